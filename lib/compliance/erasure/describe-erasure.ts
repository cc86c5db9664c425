import type { RowKey, RowSet } from '../../sql/row-set.js';
import type { PersonalRow } from './graph/personal-rows.js';
import { pendingId, type PendingColumns } from './search/find-pending.js';

/** What was done to the rows of an entity, with the texts of keys, as it is kept. @internal */
export interface DescribedEntity {
  readonly entity: string;
  readonly deleted: number;
  readonly overwritten: number;
  readonly fields: readonly string[];
  readonly kept: readonly { readonly key: RowKey; readonly ground: string; readonly until: string | null }[];
  readonly held: readonly { readonly key: RowKey; readonly hold: string }[];
}

/**
 * @param snapshots - the rows that were removed from the archive
 * @param leftAlone - the rows of which only those with pending columns count
 * @internal
 */
export function describeErasure(
  going: RowSet,
  snapshots: readonly PersonalRow[],
  overwritten: readonly PersonalRow[],
  leftAlone: readonly PersonalRow[],
  pending: PendingColumns,
): DescribedEntity[] {
  const left = leftAlone.filter((row) => pending.has(pendingId(row)));
  const names = new Set([
    ...going.entities().map(({ className }) => className),
    ...[...snapshots, ...overwritten, ...left].map(({ root }) => root.className),
  ]);
  const of = (rows: readonly PersonalRow[], name: string) => rows.filter(({ root }) => root.className === name);
  return [...names].toSorted().map((entity) => {
    const root = going.entities().find(({ className }) => className === entity);
    const changed = of(overwritten, entity);
    const kept = of(left, entity).flatMap((row) => {
      const reason = row.holds().size > 0 ? undefined : (row.kept ?? row.blocked);
      return reason ? [{ key: row.key, ground: reason.ground, until: reason.until?.toISOString() ?? null }] : [];
    });
    return {
      entity,
      deleted: (root ? going.count(root) : 0) + of(snapshots, entity).length,
      overwritten: changed.length,
      fields: [
        ...new Set(
          [...new Set(changed.map(({ fields }) => fields))].flatMap((fields) =>
            [...fields.values()].map(({ name }) => name),
          ),
        ),
      ],
      kept,
      held: of(left, entity).flatMap((row) => [...row.holds()].map((hold) => ({ key: row.key, hold }))),
    };
  });
}

/** What two runs of one erasure have done together, and what the later one has left. @internal */
export function addErasures(earlier: readonly DescribedEntity[], later: readonly DescribedEntity[]): DescribedEntity[] {
  const names = new Set([...earlier, ...later].map(({ entity }) => entity));
  return [...names].toSorted().map((entity) => {
    const one = earlier.find((each) => each.entity === entity);
    const other = later.find((each) => each.entity === entity);
    return {
      entity,
      deleted: (one?.deleted ?? 0) + (other?.deleted ?? 0),
      overwritten: (one?.overwritten ?? 0) + (other?.overwritten ?? 0),
      fields: [...new Set([...(one?.fields ?? []), ...(other?.fields ?? [])])],
      kept: other?.kept ?? [],
      held: other?.held ?? [],
    };
  });
}
