// node code-cache.cjs BUNDLE ARG…: runs the bundle as its entry does, and when it ends, writes what V8 compiled beside it.
// What ran is compiled in the cache; what did not is left out of it, so the cache stays small.
const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const vm = require('node:vm');

const filename = process.argv[2];
const entry = filename.replace(/-[0-9a-f]{12}\.cjs$/, '.cjs');
process.argv.splice(1, 2, entry);
const script = new vm.Script(fs.readFileSync(filename, 'latin1'), {
  filename,
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
process.on('exit', () => {
  const fresh = `${filename}.cache.${process.pid}.new`;
  fs.writeFileSync(fresh, script.createCachedData());
  fs.renameSync(fresh, `${filename}.cache`);
});
script
  .runInThisContext()
  .call(exports, exports, createRequire(entry), module, filename, path.dirname(filename));
// A part that does nothing by itself says how to do what it is for.
module.exports.warmUp?.();
