import { readFileSync } from 'node:fs';
import type { ErasureService } from '../../compliance/erasure/erasure.service.js';
import type { Erasure } from '../../compliance/erasure/erasure-state.js';
import type { ReappliedErasure } from '../../compliance/erasure/ledger/reapply-entries.js';
import { firstLine } from '../../errors/text/first-line.js';
import { showCount } from '../../errors/text/show-count.js';
import { plainValue } from '../../metadata/plain-value.js';
import type { CliCommand } from '../cli-command.js';
import type { CliContext } from '../cli-context.js';
import { CliError } from '../cli.error.js';
import { complianceOf } from '../compliance-of.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { formatTable } from '../format-table.js';
import { showDay, showKey } from '../show-cell.js';

interface ErasuresFlags {
  readonly due?: boolean;
  readonly export?: boolean;
  readonly reapply?: string;
}

/** `soft-delete erasures` @internal */
export const erasuresCommand: CliCommand = {
  name: 'erasures',
  description:
    'list erasures and their deadlines, export them for a ledger, and erase again after a backup was restored',
  examples: [
    'soft-delete erasures',
    'soft-delete erasures --due',
    'soft-delete erasures --export > erasures.jsonl',
    'soft-delete erasures --reapply erasures.jsonl',
  ],
  isPerTenant: true,
  exitCodes: {
    [EXIT_CODE.done]: 'nothing is overdue; everybody was erased again',
    [EXIT_CODE.error]: 'a wrong flag, a file that cannot be read, or no database',
    [EXIT_CODE.attention]: 'an erasure is overdue, a key belongs to somebody else by now, or a person is held or kept',
  },
  configure: (command) =>
    command
      .option('--due', 'only those that are open')
      .option('--export', 'print ledger entries, one JSON object per line; they name nobody')
      .option('--reapply <file>', 'erase the entries of the file again, after a backup was restored'),
  action: async (_args: [], { due, export: isExport, reapply }: ErasuresFlags, context) => {
    const { erasures } = complianceOf(context.orm, true);
    if (isExport) {
      (await erasures.entries()).forEach((entry) => context.print(plainValue(entry) as object));
      return EXIT_CODE.done;
    }
    if (reapply !== undefined) {
      return printReapplied(await erasures.reapply(readEntries(reapply)), context);
    }
    const { erasures: all, overdue } = await erasures.status();
    const shown = due ? all.filter(({ state }) => state === 'requested' || state === 'partial') : all;
    printErasures(shown, context);
    return overdue > 0 ? EXIT_CODE.attention : EXIT_CODE.done;
  },
};

type Entries = Parameters<ErasureService['reapply']>[0];

function readEntries(file: string): Entries {
  let at = '';
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, i) => {
        at = `line ${i + 1}: `;
        return line.trim() === '' ? [] : [JSON.parse(line) as Entries[number]];
      });
  } catch (error) {
    throw new CliError(`--reapply: ${file} cannot be read: ${at}${firstLine(error)}`);
  }
}

function printReapplied(reapplied: readonly ReappliedErasure[], { json, print }: CliContext): ExitCode {
  if (json) {
    reapplied.forEach((each) => print(plainValue({ type: 'reapplied', ...each }) as object));
  } else {
    if (reapplied.length > 0) {
      print(
        formatTable(
          ['entity', 'key', 'outcome'],
          reapplied.map((each) => [nameOf(each), showKey(each.key), each.outcome]),
        ),
      );
    }
    print(`${showCount(reapplied.length, 'erasure')}.`);
  }
  return reapplied.some(({ outcome }) => outcome === 'mismatch' || outcome === 'partial')
    ? EXIT_CODE.attention
    : EXIT_CODE.done;
}

/** Tenants have persons of the same key. */
function nameOf({ schema, entity }: { readonly schema?: string; readonly entity: string }): string {
  return schema === undefined ? entity : `${schema}.${entity}`;
}

function printErasures(erasures: readonly Erasure[], { json, print }: CliContext): void {
  if (json) {
    erasures.forEach((erasure) => print(plainValue({ type: 'erasure', ...erasure }) as object));
    return;
  }
  if (erasures.length > 0) {
    print(
      formatTable(
        ['id', 'entity', 'key', 'state', 'requested', 'due', 'finished'],
        erasures.map(({ id, subject, state, requestedAt, dueAt, finishedAt, isOverdue }) => [
          id,
          nameOf(subject),
          showKey(subject.key),
          state,
          showDay(requestedAt),
          `${showDay(dueAt)}${isOverdue ? ' (overdue)' : ''}`,
          showDay(finishedAt),
        ]),
      ),
    );
  }
  print(`${showCount(erasures.length, 'erasure')}.`);
}
