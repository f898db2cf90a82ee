import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder: the checkout that this file is in. */
export const projectDir = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Programs that Debian has too old, and logs of failed runs. Ignored by git. */
export const toolsDir = join(projectDir, '.tools');

/** First on the PATH of whatever the launcher starts. */
export const toolsBinDir = join(toolsDir, 'bin');
