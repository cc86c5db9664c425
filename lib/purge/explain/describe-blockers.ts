import type { EntityManager } from '@mikro-orm/postgresql';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { BY_KEY } from '../fragments/plan-settings.js';
import type { EntityRun } from '../run/entity-run.js';
import { type BlockerRow, findBlockers } from '../statements/find-blockers.js';
import type { PurgeBlocker } from './purge-explanation.js';

/**
 * What keeps due rows of one entity from going, by key; nothing for those that go.
 *
 * @param e - the position of the entity
 * @param refused - further rows that stay, by run, beside those that holds cover
 * @internal
 */
export async function describeBlockers(
  em: EntityManager,
  connection: PurgeConnection,
  runs: readonly EntityRun[],
  e: number,
  keys: readonly string[],
  refused: ReadonlyMap<EntityRun, readonly string[]> = new Map(),
): Promise<ReadonlyMap<string, readonly PurgeBlocker[]>> {
  const counted = runs.map((run) => ({
    ...run.rows,
    failed: [...run.failures.keys(), ...(refused.get(run) ?? [])],
  }));
  const rows = await connection.read<BlockerRow>(findBlockers(counted, e, keys), BY_KEY);
  const { blockers } = runs[e]!.plan;
  const described = new Map<string, PurgeBlocker[]>();
  for (const { key, via, rows: count, keys: named } of rows) {
    const all = described.get(key) ?? described.set(key, []).get(key)!;
    if (via !== null) {
      const { hops, source } = blockers[via]!;
      const { from, constraint } = hops.at(-1)!.reference;
      all.push({
        table: from.label,
        constraint,
        ...(source ? { entity: source.name } : {}),
        rows: count,
        keys: (named ?? []).flatMap((text) =>
          text === null ? [] : [keyFromTexts(em, source?.meta, JSON.parse(text) as string[])],
        ),
      });
    }
  }
  return described;
}
