import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { keyTextSql } from '../../../archive/snapshot/key-text-sql.js';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { withExactText } from '../../../archive/snapshot/with-exact-text.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { inChunks, keyConditionSql } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import type { PersonalRows } from '../graph/personal-rows.js';
import { groupRows, type RowGroup } from '../overwriting/group-rows.js';
import { AMONG_SNAPSHOTS, amongSnapshots, replacedDataSql } from '../overwriting/erase-snapshots.js';
import { replacementSql } from '../overwriting/replacement-sql.js';
import { ARCHIVED_CELLS_SQL } from './archived-cells-sql.js';
import { FORGET_SIGNATURES_SQL, keepSignaturesSql } from './matches-sql.js';
import type { OldValues } from './old-values.js';
import { isPlain, leavesSql, LONG, plainSql, signatureSql } from './text-sql.js';
import { withTexts } from './with-texts.js';

interface FoundValue {
  /** Nothing but a signature is wanted of texts that are not looked for inside of others: nobody needs to read them. */
  readonly value: string | null;
  readonly isSigned: boolean | null;
}

/** Longer texts are nobody's name: they are looked for as they are, not inside of others. */
const LONGEST = 200;

/**
 * Reads the values that are about to be overwritten or removed. What is a replacement already is none of them.
 *
 * @internal
 */
export async function readOldValues(em: EntityManager, ctx: Transaction, rows: PersonalRows): Promise<OldValues> {
  const own = new Set<string>();
  let areSigned = false;
  await execute(em, ctx, `select ${FORGET_SIGNATURES_SQL}`);
  for (const group of groupRows(rows.declared(), withTexts(em))) {
    const texts = { ...group, fields: group.fields.filter(({ type }) => !/^(bytea|tsvector)/i.test(type)) };
    if (texts.fields.length === 0) {
      continue;
    }
    const isOfPerson = group.table.root === rows.subject.root;
    for (const found of [await live(em, ctx, texts, isOfPerson), await archived(em, ctx, texts, isOfPerson)]) {
      for (const { value, isSigned } of found) {
        if (value !== null) {
          own.add(value);
        }
        areSigned ||= isSigned === true;
      }
    }
  }
  // Whoever is called what erased rows are called cannot be found among these.
  const constants = new Set(
    [...new Set(rows.declared().map(({ fields }) => fields))].flatMap((fields) =>
      [...fields.values()].map(({ value }) => (value.kind === 'constant' ? value.text : '')),
    ),
  );
  const telling = [...own].filter((value) => isTelling(value) && !constants.has(value.trim()));
  return { own: new Set(telling.map((value) => value.trim())), areSigned };
}

async function live(
  em: EntityManager,
  ctx: Transaction,
  { table, fields, rows }: RowGroup,
  isOfPerson: boolean,
): Promise<FoundValue[]> {
  const name = tableName(em, table);
  const found: FoundValue[][] = [];
  const parts = fields.map((field) => {
    const column = `c.${em.getPlatform().quoteIdentifier(field.column)}`;
    const replacement = replacementSql(em, field, keyTextSql(em, table, 'c'));
    const isOld = `${column}::text is distinct from (${replacement.sql})::text`;
    const sql = isPlain(field.type)
      ? `select ${plainSql(column)} where ${isOld}`
      : leavesSql(`case when ${isOld} then to_jsonb(${column}) end`);
    return { sql: `(${sql})`, params: replacement.params };
  });
  await inChunks(
    rows.filter(({ isLive }) => isLive).map(({ key }) => key),
    async (keys) => {
      const among = keyConditionSql(em, table, 'c', keys, primaryColumns(table), name);
      const values = await execute<FoundValue & object>(
        em,
        ctx,
        `${foundSql(isOfPerson)} from ${name} as c ` +
          `cross join lateral (${parts.map(({ sql }) => sql).join(' union all ')}) as v (value) where ${among.sql}) as f group by 1`,
        [...parts.flatMap(({ params }) => params), ...among.params],
      );
      found.push(values);
    },
  );
  return found.flat();
}

async function archived(
  em: EntityManager,
  ctx: Transaction,
  { table, fields, rows }: RowGroup,
  isOfPerson: boolean,
): Promise<FoundValue[]> {
  const snapshots = rows.filter(({ isLive }) => !isLive);
  if (snapshots.length === 0) {
    return [];
  }
  return withExactText(em, ctx, async () => {
    const data = await replacedDataSql(em, ctx, table, fields);
    const found: FoundValue[][] = [];
    await inChunks(snapshots, async (chunk) => {
      const values = await execute<FoundValue & object>(
        em,
        ctx,
        `${foundSql(isOfPerson)} from ${archiveTable(em)} as a ` +
          `cross join lateral (select ${data.sql} as data offset 0) as n cross join ${ARCHIVED_CELLS_SQL} as o ` +
          `cross join lateral (select o.value where o.document is null union all ${leavesSql('o.document')}) as v (value) ` +
          `where a."part" = ? and ${AMONG_SNAPSHOTS} and o.value is distinct from n.data ->> o.name) as f group by 1`,
        [...data.params, partOf(table), ...amongSnapshots(chunk)],
      );
      found.push(values);
    });
    return found.flat();
  });
}

/** Reads values `v` of the person, and keeps signatures of all others. To be closed by `) as f group by 1`. */
function foundSql(isOfPerson: boolean): string {
  const isShort = `length(v.value) <= ${LONGEST}`;
  const [value, signed] = isOfPerson
    ? [`case when ${isShort} then v.value end`, `not ${isShort}`]
    : ['null::text', `length(v.value) >= ${LONG}`];
  return (
    `select f.value as value, ${keepSignaturesSql('f.signature')} as "isSigned" from (` +
    `select distinct ${value} as value, case when ${signed} then ${signatureSql('v.value')} end as signature`
  );
}

/** Whether a value says something: `DE`, `42` or `y` would be found everywhere. */
function isTelling(value: string): boolean {
  const text = value.trim();
  if (/^\d*$/.test(text)) {
    return text.length >= 5;
  }
  return text.length >= (/^[\u0020-\u024F]*$/.test(text) ? 3 : 2);
}
