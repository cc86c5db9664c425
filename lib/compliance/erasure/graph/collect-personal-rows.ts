import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { GraphRelation } from '../../../metadata/relations/graph-relation.js';
import { classConditions } from '../../../metadata/relations/relation-graph.js';
import { rowConditionsSql } from '../../../sql/row-condition-sql.js';
import { identify, inChunks, keyConditionSql, keySql, lockBehind, type RowKey } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import { isRelated, type PersonalDataCatalog } from '../declaration/personal-data-catalog.js';
import type { PersonalDataEntity, PersonalPath } from '../declaration/personal-data-entity.js';
import { archivedWithKey } from '../../record/archived-with-key.js';
import { archivedBehind, archivedOf } from './archived-rows.js';
import { clearedBehind } from './cleared-behind.js';
import { isArchiveUsed } from './is-archive-used.js';
import { liveBehindArchived } from './live-behind-archived.js';
import { type KeptReason, type PersonalRow, PersonalRows } from './personal-rows.js';

/**
 * Finds the rows that belong to a person by declaration, active, deleted and archived ones, and locks those in tables. The person's row
 * comes first and the rest level by level: whoever inserts a row for a locked one waits until the erasure is over, and what was inserted
 * before that is committed when the level is read. Of a person who is gone, rows may be left in the archive: no foreign key has kept
 * anybody from removing the person before them.
 *
 * @returns nothing if there is no such person, and nothing left of one
 * @internal
 */
export async function collectPersonalRows(
  em: EntityManager,
  ctx: Transaction,
  personal: PersonalDataCatalog,
  subject: EntityMetadata,
  key: RowKey,
): Promise<PersonalRows | undefined> {
  const rows = new PersonalRows(subject.root);
  const isUsed = await isArchiveUsed(em, ctx);
  const persons = await lockPerson(em, ctx, rows, subject.root, key);
  if (isUsed) {
    const archived = await archivedWithKey(em, ctx, subject, key);
    persons.push(...archived.map((of) => rows.row(subject.root, of.key, of.unit)));
  }
  if (persons.length === 0 && !isUsed) {
    return undefined;
  }
  rows.persons = persons;
  const start = persons.length > 0 ? persons : [rows.row(subject.root, key, null)];
  const levels = new Map<string, readonly PersonalRow[]>();
  for (const declaration of personal.all()) {
    for (const path of declaration.paths.filter((each) => isRelated(each.subject, subject))) {
      const found = path.edges.length === 0 ? persons : await follow(em, ctx, rows, levels, path.edges, start, isUsed);
      const fields = path.fields.map((field) => [`${field.table.className} ${field.column}`, field] as const);
      rows.declare(await ofClass(em, ctx, declaration, path, found), declaration, new Map(fields));
    }
  }
  if (rows.declared().length === 0) {
    return undefined;
  }
  rows.all().forEach((row) => (row.kept = row.doubt));
  return rows;
}

async function lockPerson(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  root: EntityMetadata,
  key: RowKey,
): Promise<PersonalRow[]> {
  const condition = keyConditionSql(em, root, 'c', [key]);
  const locked = await execute<{ key: string[] }>(
    em,
    ctx,
    `select ${keySql(em, root, 'c')} from ${tableName(em, root)} as c where ${condition.sql} for update of c`,
    condition.params,
  );
  return locked.map((row) => rows.row(root, row.key, null));
}

/** The rows at the beginning of a path, by way of those in between; each level is read once. */
async function follow(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  levels: Map<string, readonly PersonalRow[]>,
  edges: readonly GraphRelation[],
  persons: readonly PersonalRow[],
  isUsed: boolean,
): Promise<readonly PersonalRow[]> {
  const [edge, ...rest] = edges;
  if (!edge) {
    return persons;
  }
  const name = edges.map(({ name: relation, link }) => `${relation} ${link.kind} ${link.table.className}`).join(' > ');
  const known = levels.get(name);
  if (known) {
    return known;
  }
  const parents = await follow(em, ctx, rows, levels, rest, persons, isUsed);
  const found = new Set<PersonalRow>();
  const live = new Map(parents.filter(({ isLive }) => isLive).map((parent) => [identify(parent.key), parent]));
  const behind = await lockBehind(
    em,
    ctx,
    edge,
    [...live.values()].map((parent) => parent.key),
  );
  for (const { key, parent } of behind) {
    const row = rows.row(edge.child.root, key, null);
    row.addParent(live.get(identify(parent))!);
    found.add(row);
  }
  for (const { row, parents: inFront, doubt } of isUsed ? await byArchive(em, ctx, rows, edge, parents) : []) {
    inFront.forEach((parent) => row.addParent(parent, doubt?.(parent)));
    found.add(row);
  }
  const level = [...found];
  levels.set(name, level);
  return level;
}

interface FoundByArchive {
  readonly row: PersonalRow;
  readonly parents: readonly PersonalRow[];
  /** Why it may be somebody else's, although that parent leads to it. */
  readonly doubt: ((parent: PersonalRow) => KeptReason | undefined) | undefined;
}

/** The rows behind that are in the archive, or that archived rows lead to. */
async function byArchive(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  edge: GraphRelation,
  parents: readonly PersonalRow[],
): Promise<FoundByArchive[]> {
  const { live, surpassed, shared } = await liveBehindArchived(em, ctx, edge, parents);
  const isHolder = edge.link.kind === 'parent-key';
  const inFront = isHolder ? parents.filter((parent) => !surpassed.has(parent)) : parents;
  const archived = await archivedBehind(em, ctx, edge, inFront);
  const doubt = (parent: PersonalRow) => {
    const other = shared.get(parent);
    return other === undefined
      ? undefined
      : { ground: `${edge.link.table.className} ${other} holds its key as well`, until: null };
  };
  const cleared = await clearedBehind(em, ctx, edge, parents);
  const { root } = edge.child;
  return [
    ...cleared.map((of) => ({ row: rows.row(root, of.key, of.unit), parents: of.parents, doubt: undefined })),
    ...live.map((of) => ({ row: rows.row(root, of.key, null), parents: of.parents, doubt })),
    ...archived.map((of) => ({
      row: rows.row(root, of.key, of.unit),
      parents: of.parents,
      doubt: isHolder ? doubt : undefined,
    })),
  ];
}

/** Persons are found by their key, whatever their class; a declaration of a class below the root is for rows of that class alone. */
async function ofClass(
  em: EntityManager,
  ctx: Transaction,
  { meta }: PersonalDataEntity,
  path: PersonalPath,
  rows: readonly PersonalRow[],
): Promise<readonly PersonalRow[]> {
  const conditions = path.edges.length === 0 ? classConditions(meta) : [];
  if (conditions.length === 0) {
    return rows;
  }
  const ofThat = rowConditionsSql(em, meta.root, 'c', conditions);
  const archived = rows.filter(({ isLive }) => !isLive);
  const matching = new Set(await archivedOf(em, ctx, meta.root, conditions, archived));
  const live = new Map(rows.filter(({ isLive }) => isLive).map((row) => [identify(row.key), row]));
  await inChunks(
    [...live.values()].map(({ key }): RowKey => key),
    async (keys) => {
      const among = keyConditionSql(em, meta, 'c', keys);
      const found = await execute<{ key: string[] }>(
        em,
        ctx,
        `select ${keySql(em, meta, 'c')} from ${tableName(em, meta.root)} as c where ${among.sql} and ${ofThat.sql}`,
        [...among.params, ...ofThat.params],
      );
      found.forEach(({ key }) => matching.add(live.get(identify(key))!));
    },
  );
  return rows.filter((row) => matching.has(row));
}
