// esbuild puts this into a bundle in which `import.meta.url` occurs: CommonJS has no such thing.
import { pathToFileURL } from 'node:url';

export const importMetaUrl = pathToFileURL(__filename).href;
