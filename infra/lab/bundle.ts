import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundleFile, credentialsBundle, programs, projectDir, sourceFile } from '@fairway/cluster';
import { build, type Plugin } from 'esbuild';
import { fixPlace } from './fix-place.ts';

/**
 * Makes one file of each program, and of what makes credentials, from its sources and the packages that it uses. Each is
 * some hundred modules, and Node in the guest takes longer to find and read them than to run them. What they do and what
 * they call things stays the same. Throws esbuild's BuildFailure, which names file and line.
 */
export async function bundlePrograms(): Promise<void> {
  const bundles = programs.map((program) => ({ file: bundleFile(program), main: sourceFile(program) }));
  const credentials = { file: credentialsBundle, main: join(projectDir, 'shared/credentials/src/index.ts') };
  await Promise.all([...bundles, credentials].map(async ({ file, main }) => replace(file, await bundle(main))));
}

/** A main and all that it imports as one ES module for the Node that runs this. */
export async function bundle(main: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [main],
    absWorkingDir: projectDir,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: `node${process.versions.node}`,
    // Of a package's files those that Node takes, where esbuild would prefer ones made for bundlers.
    conditions: [],
    // Machine code cannot be bundled. Packages try it and do without.
    external: ['*.node'],
    // CommonJS asks for Node's own modules by `require`, which an ES module does not have.
    banner: {
      js: `import { createRequire as $require } from 'node:module';\nconst require = $require(import.meta.url);`,
    },
    keepNames: true,
    logLevel: 'silent',
    plugins: [placesOfSources],
  });
  const [output] = outputFiles;
  if (!output) throw new Error(`esbuild made nothing of ${main}`);
  return output.contents;
}

const placesOfSources: Plugin = {
  name: 'places-of-sources',
  setup({ onLoad }) {
    onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => ({
      contents: fixPlace(await readFile(path, 'utf8'), path),
      loader: /ts$/.test(path) ? 'ts' : 'js',
    }));
  },
};

/** At once, because another lab may read the file; and only where it differs, so that its code stays cached. */
async function replace(file: string, contents: Uint8Array): Promise<void> {
  const held = await readFile(file).catch(() => undefined);
  if (held?.equals(contents)) return;
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, contents);
  await rename(draft, file);
}
