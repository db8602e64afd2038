/** A set-up checkout in small: what the services are installed from, and what must stay behind. */
import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NATIVE_PACKAGES } from '../../src/sys/program-files.ts';

export const PLATFORM = `${process.platform}-${process.arch}`;

export const put = async (folder: string, path: string, content = path): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
};

export const makeSmallCheckout = async (folder: string): Promise<void> => {
  const add = (path: string, content?: string): Promise<void> => put(folder, path, content);
  await add('package.json', '{"name":"borealis","version":"1.2.3"}');
  for (const name of ['borealisctl', 'borealisd', 'borealis-agent']) {
    await add(`bin/${name}`);
    await chmod(join(folder, 'bin', name), 0o775);
    await add(`dist/${name}.cjs`);
  }
  await add('dist/borealisd.cjs.77.new');
  await add('src/secret.ts');
  await add('.state/engine/master.key');
  await add('.git/config');
  for (const name of NATIVE_PACKAGES) {
    await add(`node_modules/${name}/package.json`);
    await add(`node_modules/${name}/src/index.cjs`);
    await add(`node_modules/${name}/src/index.cpp`);
    await add(`node_modules/${name}/deps/sqlite3.js`);
    await add(`node_modules/${name}/prebuilds/${PLATFORM}.node`);
    await add(`node_modules/${name}/prebuilds/win32-x64.node`);
  }
  await add('node_modules/better-sqlite3/LICENSE');
  await add('node_modules/esbuild/package.json');
  await add(`node_modules/@koromix/koffi-${PLATFORM}/koffi.node`);
  await add(`node_modules/node-${PLATFORM}/bin/node`);
  await chmod(join(folder, `node_modules/node-${PLATFORM}/bin/node`), 0o755);
  await add('node_modules/node/package.json');
  await mkdir(join(folder, 'node_modules/node/bin'));
  await symlink(`../../node-${PLATFORM}/bin/node`, join(folder, 'node_modules/node/bin/node'));
  await cp(join(import.meta.dirname, '../../packaging'), join(folder, 'packaging'), { recursive: true });
};
