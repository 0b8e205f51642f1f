// All commands of the administrator, in the order of --help.
import type { Command } from '../cli/command.ts';
import { backupCommand } from './backup.ts';
import { compactCommand } from './compact.ts';
import { completionCommand } from './completion.ts';
import { doctorCommand } from './doctor.ts';
import { recordsOf } from './export/records.ts';
import { exportCommand } from './export.ts';
import { forgetCommand } from './forget.ts';
import { importCommand } from './import.ts';
import { learnCommand } from './learn.ts';
import { listCommand } from './list.ts';
import { listsCommand } from './lists.ts';
import { merging } from './merge.ts';
import { purgeCommand } from './purge.ts';
import { refusingStore } from './refuse.ts';
import { releaseCommand } from './release.ts';
import { reportCommand } from './report.ts';
import { restoreCommand } from './restore.ts';
import { salvageCommand } from './salvage.ts';
import { statusCommand } from './status.ts';
import { tuneCommand } from './tune.ts';
import { verifyCommand } from './verify.ts';
import { whyCommand } from './why.ts';

// Each command is fully typed in its own file; here they have only their common type.
export const COMMANDS = [
  statusCommand,
  reportCommand,
  tuneCommand,
  listCommand,
  listsCommand,
  whyCommand,
  releaseCommand,
  forgetCommand,
  learnCommand(merging),
  importCommand(merging),
  exportCommand(recordsOf),
  refusingStore(backupCommand, "write a file by greylatch export --store, or use the engine's own BGSAVE"),
  refusingStore(
    restoreCommand,
    'greylatch import --store adds a file that greylatch export has written (greylatch forget --client "*" before, to replace all)',
  ),
  purgeCommand,
  refusingStore(compactCommand, 'an engine gives memory back by itself (its setting activedefrag does more)'),
  refusingStore(
    verifyCommand,
    'greylatch status --store looks at each record; redis-check-aof and redis-check-rdb look at the files of an engine',
  ),
  refusingStore(
    salvageCommand,
    'salvage into a file, then: greylatch export --db FILE | greylatch import --store URL -',
  ),
  doctorCommand,
  completionCommand,
] as unknown as readonly Command[];
