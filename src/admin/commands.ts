// All commands of the administrator, in the order of --help.
import type { Command } from '../cli/command.ts';
import { completionCommand } from './completion.ts';
import { doctorCommand } from './doctor.ts';
import { salvageCommand } from './salvage.ts';
import { statusCommand } from './status.ts';
import { verifyCommand } from './verify.ts';

// Each is typed where it is defined; here only their common shape matters.
export const COMMANDS = [
  statusCommand,
  verifyCommand,
  salvageCommand,
  doctorCommand,
  completionCommand,
] as unknown as readonly Command[];
