/** An archive as the kernel unpacks it for its first file system: cpio(5), "newc". */

export interface Entry {
  /** Without a slash in front; its folders are made too. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable?: boolean;
}

const FILE = 0o100_000;
const FOLDER = 0o040_000;

export const cpio = (entries: readonly Entry[]): Buffer => {
  const folders = new Set(entries.flatMap(({ path }) => parents(path)));
  const parts = [
    ...[...folders].map((path) => record(path, FOLDER | 0o755)),
    ...entries.map(({ path, content, executable }) =>
      record(path, FILE | (executable ? 0o755 : 0o644), content),
    ),
    record('TRAILER!!!', 0),
  ];
  return Buffer.concat(parts);
};

/** From the outermost. */
const parents = (path: string): string[] => {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
};

let inode = 0;
const record = (path: string, mode: number, content: Uint8Array = new Uint8Array()): Buffer => {
  inode += 1;
  const name = Buffer.from(`${path}\0`);
  const links = mode & FOLDER ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(head), name])), padded(content)]);
};

const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
