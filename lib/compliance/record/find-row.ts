import { DriverException, type EntityMetadata, helper, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { showValue } from '../../errors/text/show-value.js';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { couldBeKey } from '../../sql/could-be-key.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import { isCanonicalKey, sentKeyOf } from '../../sql/entity-key.js';
import { arrayText, keyRowsSql, primaryColumnTypes, textSql } from '../../sql/row-set.js';
import { tableName } from '../../sql/table-name.js';
import { execute, inTransaction } from '../../sql/transaction.js';
import { archivedWithKey } from './archived-with-key.js';

/** What becomes of values that are no keys as texts. */
const NO_KEYS = ['undefined', 'null', '[object Object]'];

/** A row that somebody asks about. @internal */
export interface AskedRow {
  /** The texts of its key's columns, as the row has them, as JSON; as it was archived with, or was asked for, if it is not in its table. */
  readonly key: string;
  /** The unit it is deleted in now; `null` if it is active or gone. */
  readonly unit: string | null;
  /** In its table. */
  readonly isThere: boolean;
  readonly isArchived: boolean;
}

/**
 * Looks up a row by its key, which may have another text in the database than in JavaScript. Deleted and archived rows count.
 *
 * @throws SoftDeleteConfigError if the key is none
 * @internal
 */
export async function findRow(
  em: EntityManager,
  meta: EntityMetadata,
  key: unknown,
  where: string,
  ctx = em.getTransactionContext<Transaction>(),
): Promise<AskedRow> {
  const { root } = meta;
  const given = Utils.isEntity<object>(key) ? helper(key).getPrimaryKey() : key;
  const sent = given == null ? [] : sentKeyOf(em, root, given);
  const columns = primaryColumnTypes(root);
  const refusal = () =>
    new SoftDeleteConfigError(
      where,
      `${showValue(given)} is not a key of ${root.className}.`,
      'Pass a primary key: a value, or an array of the values of a composite one in the order of their declaration.',
    );
  const parts = root.getPrimaryProps().length;
  const isTooLong = parts > 1 && Array.isArray(given) && given.length !== parts;
  if (isTooLong || !couldBeKey(root, sent) || sent.some((text) => NO_KEYS.includes(text))) {
    throw refusal();
  }
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const names = columns.map(({ column }) => quote(column));
  const table = tableName(em, root);
  const entry = SoftDeleteCatalog.of(em).find(root);
  const texts = columns.map(({ type }, i) => textSql(givenSql(`"soft-delete:${i}"`, type), type));
  const own = columns.map(({ type }, i) => textSql(`c.${names[i]!}`, type));
  const same = names.map((name, i) => `c.${name} = "soft-delete:${i}"`);
  const unit = entry ? unitTextSql(`c.${quote(entry.column)}`, entry.columnType) : 'null::text';
  const sql =
    `select case when c.${names[0]} is null then jsonb_build_array(${texts.join(', ')}) else jsonb_build_array(${own.join(', ')}) end::text as key, ` +
    `${unit} as unit, c.${names[0]} is not null as "isThere" ` +
    `from ${keyRowsSql(table, names, 1)} left join ${table} as c on ${same.join(' and ')}`;
  const params = sent.map((text) => arrayText([text]));
  const read = (own: Transaction | undefined) =>
    execute<Omit<AskedRow, 'isArchived'>>(em, own as Transaction, sql, params);
  // An error would end the caller's transaction.
  const isSafe = !em.isInTransaction() || isCanonicalKey(root, sent);
  const [row] = await (isSafe ? read(ctx) : inTransaction(em, read)).catch((error: unknown) => {
    throw isUnreadable(error) ? refusal() : error;
  });
  const { key: text, isThere } = row!;
  const [archived] = isThere ? [] : await archivedWithKey(em, ctx, root, JSON.parse(text) as string[]);
  return { ...row!, key: archived ? JSON.stringify(archived.key) : text, isArchived: archived !== undefined };
}

/** A value as its column would have it, where that is the same value: with all decimals of a `numeric`, and the blanks of a `char`. */
function givenSql(value: string, type: string): string {
  const own = `cast(${value} as ${type})`;
  return /^(numeric|decimal|char|character|bpchar) ?\(/i.test(type)
    ? `case when ${own} = ${value} then ${own} else ${value} end`
    : value;
}

/** Whether PostgreSQL could not make a value of a text: the errors of class 22. */
function isUnreadable(error: unknown): boolean {
  return error instanceof DriverException && String(error.code).startsWith('22');
}
