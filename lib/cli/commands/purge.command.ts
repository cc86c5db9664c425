import type { Duration } from '../../options/duration.js';
import { createPurge } from '../../purge/create-purge.js';
import type { PurgeEntityReport, PurgeReport } from '../../purge/purge-report.js';
import type { PurgeProgress } from '../../purge/purge-run-options.js';
import type { CliCommand } from '../cli-command.js';
import type { CliContext } from '../cli-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { createProgress } from '../progress.js';

interface PurgeFlags {
  readonly dryRun?: boolean;
  readonly entity?: readonly string[];
  readonly olderThan?: Duration;
  readonly retention?: Duration;
  readonly timeBudget?: Duration;
}

/** `soft-delete purge` @internal */
export const purgeCommand: CliCommand = {
  name: 'purge',
  description: 'remove deleted rows whose retention is over',
  configure: (command) =>
    command
      .option('--dry-run', 'count what would be removed and what blocks, and change nothing')
      .option('--entity <name...>', 'only these entities')
      .option('--older-than <duration>', 'only rows deleted longer ago, such as 90d; never shortens a retention')
      .option('--retention <duration>', 'how long entities that name no retention are kept, as the module has it')
      .option('--time-budget <duration>', 'end after this time, such as 10m; the next run goes on'),
  action: async ({ dryRun, entity, olderThan, retention, timeBudget }: PurgeFlags, context) => {
    const purge = createPurge(context.orm, { retention });
    const progress = dryRun
      ? undefined
      : await createProgress(context, async () => {
          const { total } = await purge.run({ dryRun: true, entities: entity, olderThan, signal: context.signal });
          return total;
        });
    try {
      const report = await purge.run({
        dryRun,
        entities: entity,
        olderThan,
        timeBudget,
        signal: context.signal,
        onProgress: (step: PurgeProgress) => progress?.update(step),
      });
      progress?.end();
      print(report, context);
      return exitCodeOf(report);
    } finally {
      progress?.end();
    }
  },
};

function exitCodeOf({ outcome, entities }: PurgeReport): ExitCode {
  if (outcome === 'aborted') {
    return EXIT_CODE.error;
  }
  return entities.some(({ blocked, failed, error }) => blocked + failed > 0 || error !== undefined)
    ? EXIT_CODE.attention
    : EXIT_CODE.done;
}

function print(report: PurgeReport, { json, print: write }: CliContext): void {
  if (json) {
    write({ type: 'report', ...report });
    return;
  }
  const { dryRun, outcome, total, entities, startedAt, finishedAt } = report;
  for (const entity of entities) {
    write(describe(entity, dryRun));
    if (entity.error !== undefined) {
      write(`  not purged: ${entity.error}`);
    }
    entity.blockedBy.forEach(({ table, constraint, rows }) => write(`  blocked by ${table} (${constraint}): ${rows}`));
    entity.failures.forEach(({ key, message }) => write(`  failed ${JSON.stringify(key)}: ${message}`));
  }
  const seconds = ((finishedAt.getTime() - startedAt.getTime()) / 1_000).toFixed(1);
  write(
    dryRun
      ? `${total} rows would be removed. Nothing was changed.`
      : `${total} rows removed in ${seconds} s (${outcome}).`,
  );
}

function describe({ entity, purged, blocked, failed, locked }: PurgeEntityReport, dryRun: boolean): string {
  const counts = [
    `${purged} ${dryRun ? 'to remove' : 'removed'}`,
    blocked > 0 && `${blocked} blocked`,
    failed > 0 && `${failed} failed`,
    locked > 0 && `${locked} locked`,
  ];
  return `${entity}: ${counts.filter(Boolean).join(', ')}`;
}
