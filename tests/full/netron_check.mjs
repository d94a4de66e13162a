// Opens a TorchScript archive with Netron's own parser and prints what Netron would show.
//   node netron_check.mjs NETRON_FOLDER ARCHIVE [MODULE…]
// NETRON_FOLDER is the `netron` folder of the PyPI package. Netron inlines submodules; they are seen in the names of
// the weights (`encoder.layer.0.output.dense.weight`). Exit code 1 when the archive does not open, when it has no
// nodes, or when a MODULE (`encoder.layer.0`) is in no such name.

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, archive, ...wanted] = process.argv.slice(2);
if (!archive) {
    console.error('usage: node netron_check.mjs NETRON_FOLDER ARCHIVE [MODULE…]');
    process.exit(2);
}

const load = (name) => import(pathToFileURL(path.join(folder, name)).href);
const view = await load('view.js');
const base = await load('base.js');

/** The parts of Netron's host that reading a file needs. */
const host = {
    type: 'Node',
    environment: () => null,
    require: (id) => load(`${id}.js`),
    asset: (file) => fs.promises.readFile(path.join(folder, file), 'utf-8'),
    event: () => {},
    exception: (error) => { throw error; },
};

/** An opened file, as Netron's factories see it. */
const context = {
    identifier: path.basename(archive),
    name: path.basename(archive),
    stream: new base.BinaryStream(fs.readFileSync(archive)),
    entries: new Map(),
    asset: host.asset,
    require: host.require,
    fetch: () => { throw new Error('the archive refers to another file'); },
    error: (error) => { throw error; },
};

const model = await new view.ModelFactoryService(host).open(context);
console.log(`format: ${model.format}`);
const weights = new Set();
let nodes = 0;
for (const graph of model.modules) {
    const names = (values) => values.map((value) => value.name).join(', ');
    console.log(`graph ${graph.name || '(root)'}: inputs ${names(graph.inputs)}; outputs ${names(graph.outputs)}`);
    for (const node of graph.nodes) {
        const held = node.inputs.flatMap((input) => Array.isArray(input.value) ? input.value : [])
            .filter((value) => value && value.initializer)
            .map((value) => value.initializer.identifier || value.identifier || value.name);
        console.log(`  ${node.type.name}  ${held.join(' ')}`);
        held.forEach((name) => weights.add(`${name}`));
        nodes += 1;
    }
}

const missing = wanted.filter((name) => ![...weights].some((weight) => weight.startsWith(`${name}.`)));
if (nodes === 0 || missing.length > 0) {
    console.error(`netron_check: ${archive}: ${nodes === 0 ? 'no nodes' : `not shown: ${missing.join(', ')}`}`);
    process.exit(1);
}
