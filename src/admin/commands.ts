// All commands of the administrator, in the order of --help.
import type { Command } from '../cli/command.ts';
import { completionCommand } from './completion.ts';
import { doctorCommand } from './doctor.ts';
import { reportCommand } from './report.ts';
import { salvageCommand } from './salvage.ts';
import { tuneCommand } from './tune.ts';
import { verifyCommand } from './verify.ts';

// Each is typed where it is defined; here only their common shape matters.
export const COMMANDS = [
  reportCommand,
  tuneCommand,
  verifyCommand,
  salvageCommand,
  doctorCommand,
  completionCommand,
] as unknown as readonly Command[];
