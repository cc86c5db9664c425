import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { keyTextSql } from '../../../archive/snapshot/key-text-sql.js';
import { archiveTable } from '../../../archive/snapshot/archive-table.js';
import { withExactText } from '../../../archive/snapshot/with-exact-text.js';
import { primaryColumns } from '../../../metadata/relations/relation-graph.js';
import { arrayText, inChunks, keyConditionSql } from '../../../sql/row-set.js';
import { tableName } from '../../../sql/table-name.js';
import { execute } from '../../../sql/transaction.js';
import { partOf } from '../../../archive/snapshot/part-of.js';
import type { PersonalRows } from '../graph/personal-rows.js';
import { groupRows, type RowGroup } from '../overwriting/group-rows.js';
import { amongArchived, replacedDataSql } from '../overwriting/erase-snapshots.js';
import { AMONG_SNAPSHOTS } from '../../../archive/snapshot/among-snapshots.js';
import { differsSql } from '../overwriting/replacement-sql.js';
import { ARCHIVED_CELLS_SQL } from './archived-cells-sql.js';
import { keepSignaturesSql, SET_SIGNATURES_SQL, SIGNATURES_SQL } from './matches-sql.js';
import type { OldValues } from './old-values.js';
import { isPlain, leavesSql, LONG, plainSql, signatureSql } from './text-sql.js';
import { withTexts } from './with-texts.js';

interface FoundValue {
  /** Whether it is all that a column holds, and not one of many texts of a document. */
  readonly isWhole: boolean | null;
  /** Nothing but a signature is wanted of texts that are not looked for inside of others: nobody needs to read them. */
  readonly value: string | null;
  readonly isSigned: boolean | null;
}

/**
 * How many values are looked for inside of others: what PostgreSQL does with an expression takes the square of its length, and hours for
 * some thousands. Those that fill a column come first; all others of some length are looked for as they are.
 */
const MOST_VALUES = 250;

/** Longer texts are nobody's name: they are looked for as they are, not inside of others. */
const LONGEST = 200;

/**
 * Reads the values that are about to be overwritten or removed. What is a replacement already is none of them.
 *
 * @param earlier - those that were read before, to which they are added
 * @param isAgain - whether they are read once more, so that these have to be remembered
 * @internal
 */
export async function readOldValues(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  earlier?: OldValues,
  isAgain = false,
): Promise<OldValues> {
  // Whoever is called what erased rows are called cannot be found among these.
  const constants = new Set(
    [...new Set(rows.declared().map(({ fields }) => fields))].flatMap((fields) =>
      [...fields.values()].map(({ value }) => (value.kind === 'constant' ? value.text : '')),
    ),
  );
  const whole = new Set<string>();
  const parts = new Set<string>();
  let areSigned = earlier?.areSigned ?? false;
  await execute(em, ctx, `select ${SET_SIGNATURES_SQL}`, [earlier?.signatures ?? '']);
  for (const group of groupRows(rows.declared(), withTexts(em))) {
    const texts = {
      ...group,
      fields: group.fields.filter(({ type, readBy }) => readBy || !/^(bytea|tsvector)/i.test(type)),
    };
    if (texts.fields.length === 0) {
      continue;
    }
    const wanted = wantedValues(group.table.root === rows.subject.root, constants);
    for (const found of [await live(em, ctx, texts, wanted), await archived(em, ctx, texts, wanted)]) {
      for (const { value, isWhole, isSigned } of found) {
        if (value !== null) {
          (isWhole ? whole : parts).add(value);
        }
        areSigned ||= isSigned === true;
      }
    }
  }
  const telling = [...whole, ...parts].filter((value) => isTelling(value) && !constants.has(value.trim()));
  const own = new Set([...(earlier?.own ?? []), ...telling.map((value) => value.trim())]);
  const [kept] = isAgain
    ? await execute<{ signatures: string }>(em, ctx, `select ${SIGNATURES_SQL} as signatures`)
    : [];
  return { own: new Set([...own].slice(0, MOST_VALUES)), areSigned, ...kept };
}

async function live(
  em: EntityManager,
  ctx: Transaction,
  { table, fields, rows }: RowGroup,
  wanted: WantedValues,
): Promise<FoundValue[]> {
  const name = tableName(em, table);
  const found: FoundValue[][] = [];
  const parts = fields.map((field) => {
    const column = `c.${em.getPlatform().quoteIdentifier(field.column)}`;
    const { sql: isOld, params } = differsSql(em, field, keyTextSql(em, table, 'c'));
    const sql =
      field.readBy || isPlain(field.type)
        ? `select ${plainSql(field.readBy ? `(${field.readBy(column)})` : column)}, true where ${isOld}`
        : partsSql(`case when ${isOld} then to_jsonb(${column}) end`);
    return { sql: `(${sql})`, params };
  });
  await inChunks(
    rows.filter(({ isLive }) => isLive).map(({ key }) => key),
    async (keys) => {
      const among = keyConditionSql(em, table, 'c', keys, primaryColumns(table), name);
      const values = await execute<FoundValue & object>(
        em,
        ctx,
        wanted.sqlOf(
          `${name} as c cross join lateral (${parts.map(({ sql }) => sql).join(' union all ')}) as v (value, "isWhole") where ${among.sql}`,
        ),
        [...wanted.params, ...parts.flatMap(({ params }) => params), ...among.params],
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
  wanted: WantedValues,
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
        wanted.sqlOf(
          `${archiveTable(em)} as a ` +
            `cross join lateral (select ${data.sql} as data offset 0) as n cross join ${ARCHIVED_CELLS_SQL} as o ` +
            `cross join lateral (select o.value, true where o.document is null union all ${partsSql('o.document')}) as v (value, "isWhole") ` +
            `where a."part" = ? and ${AMONG_SNAPSHOTS} and o.value is distinct from n.data ->> o.name`,
        ),
        [...wanted.params, ...data.params, partOf(table), ...amongArchived(chunk)],
      );
      found.push(values);
    });
    return found.flat();
  });
}

/** The texts of a document, as rows of `v`. */
function partsSql(json: string): string {
  return `select d.value, false from (${leavesSql(json)}) as d (value)`;
}

/** Values of the person, `v`, with signatures of all that are long enough, which are kept once, however many there are. */
interface WantedValues {
  readonly params: readonly unknown[];
  /** The statement that reads them from tables. */
  sqlOf(from: string): string;
}

function wantedValues(isOfPerson: boolean, constants: ReadonlySet<string>): WantedValues {
  const isShort = `length(v.value) <= ${LONGEST}`;
  const value = isOfPerson ? `case when ${isShort} then v.value end` : 'null::text';
  const isSigned = `length(v.value) >= ${LONG} and v.value <> all(cast(? as text[]))`;
  return {
    params: [arrayText([...constants])],
    sqlOf: (from) =>
      `with "soft-delete:found" as materialized (select distinct ${value} as value, v."isWhole", ` +
      `case when ${isSigned} then ${signatureSql('v.value')} end as signature from ${from}) ` +
      `select f.value, bool_or(f."isWhole") as "isWhole", ` +
      `(select ${keepSignaturesSql('s.signature')} from "soft-delete:found" as s) as "isSigned" ` +
      `from "soft-delete:found" as f group by f.value`,
  };
}

/** Whether a value says something: `DE`, `42` or `y` would be found everywhere. */
function isTelling(value: string): boolean {
  const text = value.trim();
  if (/^\d*$/.test(text)) {
    return text.length >= 5;
  }
  return text.length >= (/^[\u0020-\u024F]*$/.test(text) ? 3 : 2);
}
