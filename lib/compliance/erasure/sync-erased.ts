import { type EntityProperty, helper } from '@mikro-orm/core';
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
  const columns = new Map<object, Map<string, Set<string>>>();
  const note = (root: object, key: readonly string[], names: Iterable<string>) => {
    const ofRoot = columns.get(root) ?? new Map<string, Set<string>>();
    columns.set(root, ofRoot.set(identify(key), new Set([...(ofRoot.get(identify(key)) ?? []), ...names])));
  };
  for (const { root, key, fields } of overwritten) {
    const version = root.properties[root.versionProperty]?.fieldNames ?? [];
    note(root, key, [...[...fields.values()].map(({ column }) => column), ...version]);
  }
  for (const { root, key, columns: names } of cleared) {
    if (root && key) {
      note(root, key, names);
    }
  }
  const roots = [...new Set([...em.getMetadata()].map(({ root }) => root))].filter((root) => columns.has(root));
  for (const root of roots) {
    for (const each of [em, ...outerManagers(em)]) {
      const managed = managedEntities(each, root).filter((entity) => helper(entity).__initialized);
      for (const [entity, key] of await rowKeys(each, ctx, root, managed)) {
        const written = columns.get(root)!.get(identify(key));
        if (written) {
          undo.push(await readColumns(each, ctx, entity, written));
        }
      }
    }
  }
  return () => undo.toReversed().forEach((step) => step());
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
