// Run when the package is built: prints the manual page.
import { version } from '../../package.json';
import { COMMANDS } from '../admin/commands.ts';
import { OPTIONS } from '../cli/options.ts';
import { manualPage } from './page.ts';

process.stdout.write(manualPage(version, OPTIONS, COMMANDS));
