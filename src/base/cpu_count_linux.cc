#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

#include "base/cpu_count.h"
#include "base/text.h"

namespace calque {

namespace {

constexpr int kNoLimit = 1 << 20;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int affinity_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());  // more processors than a cpu_set_t holds
}

// The path of this process in the unified hierarchy: the line `0::/path` of /proc/self/cgroup.
std::string cgroup_path() {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return "/";
}

// A quota of any ancestor counts.
int cgroup_v2_cpus() {
  int cpus = kNoLimit;
  std::string path = cgroup_path();
  while (true) {
    const auto limit = parse_cpu_max(first_line("/sys/fs/cgroup" + path + "/cpu.max"));
    if (limit) cpus = std::min(cpus, *limit);
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return cpus;
    path.resize(slash);
  }
}

int cgroup_v1_cpus() {
  const std::string quota = first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const std::string period = first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  return parse_cpu_max(cat(quota, " ", period)).value_or(kNoLimit);
}

}  // namespace

int detect_cpus() { return std::min({affinity_cpus(), cgroup_v2_cpus(), cgroup_v1_cpus()}); }

}  // namespace calque
