import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * A module's source with what it says of its own place made constant, so that it finds the files beside it from inside a
 * bundle too: `__dirname` and `__filename` of CommonJS, `import.meta.url`, `.dirname` and `.filename`.
 */
export function fixPlace(source: string, file: string): string {
  const places: Record<string, string> = {
    __dirname: dirname(file),
    __filename: file,
    'import.meta.dirname': dirname(file),
    'import.meta.filename': file,
    'import.meta.url': pathToFileURL(file).href,
  };
  return source.replace(
    /(?<![\w$.])(?:__dirname|__filename|import\.meta\.(?:dirname|filename|url))(?![\w$])/g,
    (name) => JSON.stringify(places[name]),
  );
}
