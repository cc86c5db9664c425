import { type EntityMetadata, type EntityProperty, helper } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { outerManagers } from '../../installation/outer-managers.js';
import { managedEntities, type Undo } from '../../memory/managed-entities.js';
import { readAgain, rootName } from '../../memory/read-again.js';
import { metadataOf } from '../../metadata/metadata-of.js';
import { rowKeys } from '../../sql/entity-key.js';
import { identify } from '../../sql/row-set.js';
import type { PersonalRow } from './graph/personal-rows.js';
import type { PointingRow } from './removal/find-pointing.js';

/** Gives entities in memory the values that their rows hold now, so that no flush brings the old ones back. @internal */
export async function syncErased(
  em: EntityManager,
  ctx: Transaction,
  overwritten: readonly PersonalRow[],
  cleared: readonly PointingRow[],
): Promise<Undo> {
  const undo: Undo[] = [];
  const written = new Set([...overwritten, ...cleared].map(({ root }) => root));
  const roots = [...new Set([...em.getMetadata()].map(({ root }) => root))].filter((root) => written.has(root));
  for (const root of roots) {
    const managers = [em, ...outerManagers(em)].map((each) => {
      const managed = managedEntities(each, root).filter((entity) => helper(entity).__initialized);
      return [each, managed] as const;
    });
    if (managers.every(([, managed]) => managed.length === 0)) {
      continue;
    }
    const columns = writtenColumns(root, overwritten, cleared);
    for (const [each, managed] of managers) {
      for (const [entity, key] of await rowKeys(each, ctx, root, managed)) {
        const ofRow = columns.get(identify(key));
        if (ofRow) {
          undo.push(await readColumns(each, ctx, entity, ofRow));
        }
      }
    }
  }
  return () => undo.toReversed().forEach((step) => step());
}

/** The columns that were written of the rows of an entity, by key. */
function writtenColumns(
  root: EntityMetadata,
  overwritten: readonly PersonalRow[],
  cleared: readonly PointingRow[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const columns = new Map<string, Set<string>>();
  const note = (key: readonly string[], names: Iterable<string>) =>
    columns.set(identify(key), new Set([...(columns.get(identify(key)) ?? []), ...names]));
  const version = root.properties[root.versionProperty]?.fieldNames ?? [];
  for (const { key, fields } of overwritten.filter((row) => row.root === root)) {
    note(key, [...[...fields.values()].map(({ column }) => column), ...version]);
  }
  for (const { key, columns: names } of cleared.filter((row) => row.root === root)) {
    if (key) {
      note(key, names);
    }
  }
  return columns;
}

async function readColumns(
  em: EntityManager,
  ctx: Transaction,
  entity: object,
  written: ReadonlySet<string>,
): Promise<Undo> {
  const meta = metadataOf(em, entity);
  const names = new Set(
    meta.props
      .filter(({ fieldNames, primary }) => !primary && fieldNames?.some((column) => written.has(column)))
      .map((prop) => rootName(meta, prop as EntityProperty)),
  );
  const target = entity as Record<string, unknown>;
  const before = [...names].map((name) => [name, target[name]] as const);
  const original = { ...helper(entity).__originalEntityData };
  await readAgain(em, ctx, meta, new Map([[entity, names]]));
  return () => {
    before.forEach(([name, value]) => (target[name] = value));
    helper(entity).__originalEntityData = original;
  };
}
