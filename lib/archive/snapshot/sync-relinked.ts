import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { outerManagers } from '../../installation/outer-managers.js';
import { managedEntities, takeOver, type Undo } from '../../memory/managed-entities.js';
import { rowKeys } from '../../sql/entity-key.js';
import { identify } from '../../sql/row-set.js';
import type { ArchivedLink } from './archived-link.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import type { Relinked } from '../restoration/relink-rows.js';
import { rowKeyOf } from './row-key-of.js';
import type { SnapshotSet } from '../restoration/snapshot-set.js';

/** A key that a statement has written: the row that holds it, and where it points now. @internal */
interface WrittenKey {
  readonly entity: string;
  readonly id: string;
  readonly columns: readonly string[];
  /** Nothing where the key was cleared. */
  readonly to?: { readonly meta: EntityMetadata; readonly key: string };
}

/** Tells entities in memory that their keys point at restored rows again. @internal */
export function syncRelinked(
  em: EntityManager,
  ctx: Transaction,
  snapshots: SnapshotSet,
  relinked: readonly Relinked[],
): Promise<Undo> {
  return syncKeys(
    em,
    ctx,
    relinked.map(({ part, key, ...row }) => ({ ...row, to: { meta: snapshots.metaOf(part)!, key } })),
  );
}

/** Tells entities in memory that the database has cleared their keys to archived rows. @internal */
export function syncCleared(
  em: EntityManager,
  ctx: Transaction,
  links: ReadonlyMap<string, readonly ArchivedLink[]>,
): Promise<Undo> {
  const cleared = [...links.values()].flat().flatMap(({ entity, id, columns }) => {
    return entity && id && columns ? [{ entity, id, columns }] : [];
  });
  return syncKeys(em, ctx, cleared);
}

async function syncKeys(em: EntityManager, ctx: Transaction, written: readonly WrittenKey[]): Promise<Undo> {
  const undo: Undo[] = [];
  for (const [entity, group] of Map.groupBy(written, (one) => one.entity)) {
    const root = [...em.getMetadata()].find(({ className }) => className === entity);
    const byRow = Map.groupBy(group, ({ id }) => id);
    for (const each of root ? [em, ...outerManagers(em)] : []) {
      for (const [managed, key] of await rowKeys(each, ctx, root!, managedEntities(each, root!))) {
        for (const { columns, to } of byRow.get(identify(key)) ?? []) {
          const prop = propertyOf(root!, columns);
          if (prop) {
            undo.push(takeOver(each, managed, { [prop.name]: to ? referenceTo(each, prop, to) : null }));
          }
        }
      }
    }
  }
  return () => undo.toReversed().forEach((step) => step());
}

function referenceTo(
  em: EntityManager,
  { mapToPk, ref }: EntityProperty,
  { meta, key }: NonNullable<WrittenKey['to']>,
): unknown {
  const value = keyFromTexts(em, meta, rowKeyOf(meta, key));
  return mapToPk ? value : em.getReference(meta.class, value as never, { wrapped: ref ?? false } as never);
}

/** The relation that holds a key, in a hierarchy that of any class. */
function propertyOf(root: EntityMetadata, columns: readonly string[]): EntityProperty | undefined {
  return root.relations.find(
    ({ kind, owner, fieldNames }) =>
      (kind === ReferenceKind.MANY_TO_ONE || (kind === ReferenceKind.ONE_TO_ONE && owner)) &&
      fieldNames.length === columns.length &&
      columns.every((column) => fieldNames.includes(column)),
  );
}
