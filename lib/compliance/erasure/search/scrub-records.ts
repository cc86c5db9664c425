import { createHash } from 'node:crypto';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { archiveTable, hasArchive } from '../../../archive/snapshot/archive-table.js';
import { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { hasNoSchema } from '../../../purge/plan/has-no-schema.js';
import { PSEUDONYMISE_SETTING } from '../../../sql/guard-setting.js';
import type { SqlFragment } from '../../../sql/row-condition-sql.js';
import { arrayText } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import { withSettings } from '../../../sql/with-settings.js';
import { LegalHoldRecord } from '../../hold/legal-hold.entity.js';
import { DeletionRecord } from '../../record/deletion-record.entity.js';
import { findComplianceEntity } from '../../require-compliance-entity.js';
import { ErasureRecord } from '../erasure.entity.js';
import type { OldValues } from './old-values.js';
import { isSignedSql } from './matches-sql.js';
import { containsSql, valuePatterns } from './value-patterns.js';

/** A table of this package with the columns that say who and why. */
interface ScrubbedTable {
  readonly table: string;
  readonly actors: readonly string[];
  readonly reasons: readonly string[];
  readonly where?: string;
}

/**
 * Takes the person's values out of what this package has on record: out of reasons, and out of the names of who has acted, which get one
 * pseudonym. What was done and when stays. Of holds, released ones alone.
 *
 * @param search - runs statements together with a search for the same values
 * @internal
 */
export async function scrubRecords<Result>(
  em: EntityManager,
  ctx: Transaction,
  values: OldValues,
  pseudonym: string,
  search: (scrubs: readonly SqlFragment[]) => Promise<Result>,
): Promise<Result> {
  // Of rows: what is left in them is what the search finds.
  await scrubDeletedBy(em, ctx, values, pseudonym);
  return withSettings(em, ctx, { [PSEUDONYMISE_SETTING]: 'allowed' }, () =>
    search(tables(em).map((table) => scrubSql(table, values, pseudonym))),
  );
}

/** The name that stands for a person in records. It tells nobody who that was, and is the same in all of them. @internal */
export function pseudonymOf(entity: string, key: readonly string[]): string {
  return `erased-${createHash('sha256')
    .update(JSON.stringify([entity, key]))
    .digest('hex')
    .slice(0, 16)}`;
}

function tables(em: EntityManager): ScrubbedTable[] {
  const records = findComplianceEntity(em, DeletionRecord);
  const holds = findComplianceEntity(em, LegalHoldRecord);
  const erasures = findComplianceEntity(em, ErasureRecord);
  return [
    ...(records ? [{ table: tableName(em, records), actors: ['actor'], reasons: ['reason'] }] : []),
    ...(erasures
      ? [{ table: tableName(em, erasures), actors: ['actor'], reasons: ['reason', 'extension_reason'] }]
      : []),
    ...(holds
      ? [
          {
            table: tableName(em, holds),
            actors: ['placed_by', 'released_by'],
            reasons: ['name', 'reason', 'release_reason'],
            where: 'r."released_at" is not null',
          },
        ]
      : []),
    ...(hasArchive(em) ? [{ table: archiveTable(em), actors: ['actor'], reasons: ['reason'] }] : []),
  ];
}

function scrubSql(
  { table, actors, reasons, where = 'true' }: ScrubbedTable,
  values: OldValues,
  pseudonym: string,
): SqlFragment {
  const names = actors.map((column) => actorSql(`r."${column}"`, values));
  const texts = reasons.map((column) => reasonSql(`r."${column}"`, values));
  const assigned = [
    ...actors.map((column, i) => ({
      sql: `"${column}" = case when ${names[i]!.sql} then ? else r."${column}" end`,
      params: [...names[i]!.params, pseudonym],
    })),
    ...reasons.map((column, i) => ({ sql: `"${column}" = ${texts[i]!.sql}`, params: texts[i]!.params })),
  ];
  const found = [
    ...names,
    ...reasons.map((column, i) => ({
      sql: `${texts[i]!.sql} is distinct from r."${column}"`,
      params: texts[i]!.params,
    })),
  ];
  return {
    sql:
      `update ${table} as r set ${assigned.map(({ sql }) => sql).join(', ')} ` +
      `where ${where} and (${found.map(({ sql }) => sql).join(' or ')})`,
    params: [...assigned.flatMap(({ params }) => params), ...found.flatMap(({ params }) => params)],
  };
}

/** Whether a name is one of the person's: the same as a value, or with one in it that is nobody else's. */
function actorSql(column: string, values: OldValues): SqlFragment {
  const contains = containsSql(column, { ...valuePatterns(values.own), asWritten: undefined });
  return {
    sql: `(lower(${column}) = any(cast(? as text[])) or ${contains.sql}) is true`,
    params: [arrayText([...values.own].map((value) => value.toLowerCase())), ...contains.params],
  };
}

/** A text without the person's values, or none of one that is nothing but a text of the person's. */
function reasonSql(column: string, values: OldValues): SqlFragment {
  const { anyCase, asWritten } = valuePatterns(values.own);
  const params: string[] = [];
  let sql = column;
  for (const [pattern, flags] of [
    [anyCase, 'gi'],
    [asWritten, 'g'],
  ] as const) {
    if (pattern !== undefined) {
      sql = `regexp_replace(${sql}, ?, '[erased]', '${flags}')`;
      params.push(pattern);
    }
  }
  return { sql: `case when ${isSignedSql(column)} then '[erased]' else ${sql} end`, params };
}

/** Who has deleted a row may have been the person, whosever the row is. One statement for all tables that say so. */
async function scrubDeletedBy(
  em: EntityManager,
  ctx: Transaction,
  values: OldValues,
  pseudonym: string,
): Promise<void> {
  const scrubs = SoftDeleteCatalog.of(em)
    .all()
    .filter(({ meta, deletedBy }) => deletedBy && !hasNoSchema(em, meta))
    .map(({ meta, column: deletedAt, deletedBy }): SqlFragment => {
      const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
      const isPersons = actorSql(`c.${quote(deletedBy!.column)}::text`, values);
      // Cut where the column is shorter.
      const type = meta.properties[deletedBy!.property]!.columnTypes[0]!;
      return {
        sql:
          `update ${tableName(em, meta)} as c set ${quote(deletedBy!.column)} = cast(? as ${type}) ` +
          `where c.${quote(deletedAt)} is not null and ${isPersons.sql}`,
        params: [pseudonym, ...isPersons.params],
      };
    });
  if (scrubs.length > 0) {
    await execute(
      em,
      ctx,
      `with ${scrubs.map(({ sql }, i) => `"soft-delete:scrub${i}" as (${sql})`).join(', ')} select`,
      scrubs.flatMap(({ params }) => params),
    );
  }
}
