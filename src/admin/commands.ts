// All commands of the administrator, in the order of --help.
import type { Command } from '../cli/command.ts';
import { completionCommand } from './completion.ts';
import { doctorCommand } from './doctor.ts';
import { forgetCommand } from './forget.ts';
import { listCommand } from './list.ts';
import { releaseCommand } from './release.ts';
import { salvageCommand } from './salvage.ts';
import { statusCommand } from './status.ts';
import { verifyCommand } from './verify.ts';
import { whyCommand } from './why.ts';

// Each is typed where it is defined; here only their common shape matters.
export const COMMANDS = [
  statusCommand,
  listCommand,
  whyCommand,
  releaseCommand,
  forgetCommand,
  verifyCommand,
  salvageCommand,
  doctorCommand,
  completionCommand,
] as unknown as readonly Command[];
