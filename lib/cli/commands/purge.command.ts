import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { installSoftDelete } from '../../install-soft-delete.js';
import { hasComplianceTables } from '../../metadata/compliance-tables.js';
import { createPurge } from '../../purge/create-purge.js';
import type { PurgeReport } from '../../purge/purge-report.js';
import type { PurgeProgress, PurgeRunOptions } from '../../purge/purge-run-options.js';
import type { PurgeService } from '../../purge/purge.service.js';
import type { CliCommand } from '../cli-command.js';
import type { CliContext } from '../cli-context.js';
import { plainValue } from '../../metadata/plain-value.js';
import { showCount } from '../../errors/text/show-count.js';
import { durationOption, retentionOption } from '../duration-option.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { formatTable } from '../format-table.js';
import { createProgress } from '../progress.js';
import { requireEntity } from '../require-entity.js';
import { startWaiting } from '../waiting.js';

interface PurgeFlags {
  readonly dryRun?: boolean;
  readonly entity?: readonly string[];
  readonly except?: readonly string[];
  readonly olderThan?: number;
  readonly timeBudget?: number;
  readonly overrideBrake?: boolean;
  readonly retention?: number | 'forever';
  readonly schema?: string;
}

/** `soft-delete purge` @internal */
export const purgeCommand: CliCommand = {
  name: 'purge',
  description: 'remove deleted rows whose retention is over',
  examples: ['soft-delete purge --dry-run', 'soft-delete purge --except Invoice --time-budget 10m'],
  isPerTenant: true,
  isInterruptible: true,
  exitCodes: {
    [EXIT_CODE.done]: 'everything due was removed, or the time budget is used up and the next run continues',
    [EXIT_CODE.error]: 'a wrong flag, no database, an interruption: try again',
    [EXIT_CODE.attention]: 'rows are blocked or have failed, or far more are due than usual',
  },
  configure: (command) =>
    command
      .option('--dry-run', 'count what would be removed and what blocks, and change nothing')
      .option('--entity <name...>', 'only these entities')
      .option('--except <name...>', 'all but these entities')
      .addOption(
        durationOption('--older-than', 'only rows deleted longer ago, such as 90d; never shortens a retention'),
      )
      .addOption(durationOption('--time-budget', 'end after this time, such as 10m; the next run continues'))
      .option('--override-brake', 'purge entities though far more of their rows are due than usual')
      .addOption(retentionOption()),
  action: async (_args: [], flags: PurgeFlags, context) => {
    const { dryRun, olderThan, timeBudget, overrideBrake, retention, schema } = flags;
    if (hasComplianceTables(context.orm.em)) {
      installSoftDelete(context.orm);
    }
    const entities = chooseEntities(context.orm.em as EntityManager, flags);
    const purge = createPurge(context.orm, { retention });
    const waiting = startWaiting('Counting', context.json);
    const progress = dryRun
      ? undefined
      : await createProgress(context, () =>
          countRemovable(purge, { entities, olderThan, schema, signal: context.signal }),
        ).finally(() => waiting.end());
    try {
      const report = await purge.run({
        dryRun,
        entities,
        olderThan,
        timeBudget,
        schema,
        overrideBrake,
        signal: context.signal,
        onProgress: (step: PurgeProgress) => progress?.update(step),
      });
      waiting.end();
      progress?.end(report.outcome === 'completed');
      print(report, context);
      return exitCodeOf(report);
    } finally {
      waiting.end();
      progress?.end(false);
    }
  },
};

/** @throws CliError for a name that no soft-deletable entity has, before anything is removed */
function chooseEntities(em: EntityManager, { entity, except }: PurgeFlags): readonly string[] | undefined {
  const asked = entity?.map((name) => requireEntity(em, name).name);
  const spared = new Set(except?.map((name) => requireEntity(em, name).name));
  if (spared.size === 0) {
    return asked;
  }
  const catalog = SoftDeleteCatalog.of(em);
  const all = catalog.allMarked().map(({ name }) => name);
  return (asked ?? all).filter((name) => !spared.has(name));
}

/** A dry run counts just what the run will remove, as `--older-than` and the retentions have it. */
async function countRemovable(
  purge: PurgeService,
  options: Pick<PurgeRunOptions, 'entities' | 'olderThan' | 'schema' | 'signal'>,
): Promise<number> {
  return (await purge.run({ ...options, dryRun: true })).total;
}

function exitCodeOf({ outcome, entities }: PurgeReport): ExitCode {
  if (outcome === 'aborted') {
    return EXIT_CODE.error;
  }
  return entities.some(({ blocked, failed, braked, error }) => blocked + failed > 0 || braked || error !== undefined)
    ? EXIT_CODE.attention
    : EXIT_CODE.done;
}

function print(report: PurgeReport, { json, print: write }: CliContext): void {
  if (json) {
    write({ type: 'report', ...report });
    return;
  }
  const { dryRun, outcome, total, entities, startedAt, finishedAt } = report;
  write(
    formatTable(
      ['entity', dryRun ? 'to remove' : 'removed', 'blocked', 'failed', 'locked', 'held'],
      entities.map(({ entity, purged, blocked, failed, locked, held }) => [
        entity,
        purged,
        blocked,
        failed,
        locked,
        held,
      ]),
    ),
  );
  for (const entity of entities) {
    if (entity.error !== undefined) {
      write(`${entity.entity} was not purged: ${entity.error}`);
    }
    if (entity.braked) {
      const { due, limit } = entity.braked;
      write(
        `${entity.entity} was skipped: ${showCount(due, 'row')} due, but the brake allows ${limit}. Check its retention, then run with --override-brake.`,
      );
    }
    if (entity.blockedBy.length + entity.failures.length > 0) {
      write(`${entity.entity}:`);
    }
    entity.blockedBy.forEach(({ table, constraint, rows }) => write(`  blocked by ${table} (${constraint}): ${rows}`));
    entity.failures.forEach(({ key, message }) => write(`  failed ${JSON.stringify(plainValue(key))}: ${message}`));
  }
  const seconds = ((finishedAt.getTime() - startedAt.getTime()) / 1_000).toFixed(1);
  write(
    dryRun
      ? outcome === 'completed'
        ? `${showCount(total, 'row')} would be removed. Nothing was changed.`
        : `At least ${showCount(total, 'row')} would be removed (${outcome}). Nothing was changed.`
      : `${showCount(total, 'row')} removed in ${seconds} s (${outcome}).`,
  );
}
