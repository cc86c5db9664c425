import { type EntityMetadata, NotFoundError } from '@mikro-orm/core';
import type { AnyEntityName } from '../../options/any-of-the-orm.js';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { ErasureUndeclaredError } from '../../errors/erasure-undeclared.error.js';
import { showValue } from '../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { findMetadata } from '../../metadata/soft-delete-catalog.js';
import { classConditions } from '../../metadata/relations/relation-graph.js';
import { rowConditionsSql } from '../../sql/row-condition-sql.js';
import { identify, keyConditionSql, type RowKey } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';
import { findComplianceEntity } from '../require-compliance-entity.js';
import { archivedWithKey } from '../record/archived-with-key.js';
import { findRow } from '../record/find-row.js';
import { sameKeySql } from '../record/same-key-sql.js';
import { findUndeclared } from './declaration/find-undeclared.js';
import { archivedOf } from './graph/archived-rows.js';
import { ErasureRecord } from './erasure.entity.js';
import { erasureTable, IS_REQUESTED_AT, readErasures, type StoredErasure } from './erasure-store.js';
import { takeTurnOf } from './take-turn.js';

/** A person that somebody asks for. @internal */
export interface AskedPerson {
  readonly em: EntityManager;
  readonly meta: EntityMetadata;
  /** The texts of the key's columns. */
  readonly key: readonly string[];
  /** In its table, or in the archive. */
  readonly isThere: boolean;
  /** For whoever finds nothing. */
  notFound(): NotFoundError;
}

/**
 * @throws SoftDeleteConfigError if the entity or the key is none
 * @throws ErasureUndeclaredError if nobody says of an entity or a column what is to become of it
 * @throws NotFoundError if the row is one of another class
 * @internal
 */
export async function askForPerson(
  em: EntityManager,
  where: string,
  entity: AnyEntityName,
  given: unknown,
): Promise<AskedPerson> {
  const meta = findMetadata(em, entity);
  if (!meta) {
    throw new SoftDeleteConfigError(
      where,
      `${entity?.name ?? showValue(entity)} is not an entity of this ORM.`,
      'Pass the class of an entity that is registered in the MikroORM configuration.',
    );
  }
  const undeclared = findUndeclared(em, meta);
  if (undeclared.length > 0) {
    throw new ErasureUndeclaredError(meta.className, undeclared);
  }
  if (findComplianceEntity(em, ErasureRecord)) {
    // Where each tenant has one, it is a tenant's person.
    erasureTable(em);
  }
  const row = await findRow(em, meta, given, where);
  const key = JSON.parse(row.key) as string[];
  const notFound = () =>
    new NotFoundError(`There is no ${meta.className} ${showValue(given)}, neither in its table nor in the archive.`);
  if ((row.isThere || row.isArchived) && !(await isOfClass(em, meta, key, row.isArchived))) {
    throw notFound();
  }
  return {
    em,
    meta,
    key,
    isThere: row.isThere || row.isArchived,
    notFound,
  };
}

/** Another class of a hierarchy has keys of the same table, and declarations of its own. */
async function isOfClass(em: EntityManager, meta: EntityMetadata, key: RowKey, isArchived: boolean): Promise<boolean> {
  const conditions = classConditions(meta);
  if (conditions.length === 0) {
    return true;
  }
  const ctx = em.getTransactionContext<Transaction>()!;
  if (isArchived) {
    const rows = await archivedWithKey(em, ctx, meta, key);
    const named = rows.map((row) => ({ ...row, id: `${identify(row.key)}@${row.unit}` }));
    return (await archivedOf(em, ctx, meta.root, conditions, named)).length > 0;
  }
  const [same, ofThat] = [keyConditionSql(em, meta, 'c', [key]), rowConditionsSql(em, meta.root, 'c', conditions)];
  const found = await execute(
    em,
    ctx,
    `select from ${tableName(em, meta.root)} as c where ${same.sql} and ${ofThat.sql}`,
    [...same.params, ...ofThat.params],
  );
  return found.length > 0;
}

/**
 * The erasure of a person that was asked for before: one that is open, or the last one, if no other request is meant. Nobody else asks for
 * it before the transaction ends.
 *
 * @internal
 */
export async function findEarlier(
  em: EntityManager,
  ctx: Transaction,
  { meta, key }: AskedPerson,
  requestedAt: Date | undefined,
): Promise<StoredErasure | undefined> {
  await takeTurnOf(em, ctx, `${meta.root.className} ${JSON.stringify(key)}`);
  const ofPerson = sameKeySql(meta, 'e."entity"', 'e."key"', key);
  const found = await readErasures(
    em,
    ctx,
    `${ofPerson.sql} and e."withdrawn_at" is null and ` +
      `(e."outcome" is distinct from 'completed' or coalesce(${IS_REQUESTED_AT}, true))`,
    [...ofPerson.params, requestedAt?.toISOString() ?? null],
  );
  return found.find(({ outcome }) => outcome !== 'completed') ?? found.at(-1);
}
