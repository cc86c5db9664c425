import type { PurgeColumn, PurgeCondition, PurgeEntity } from '../plan/key-graph.js';
import type { Hop, ReferencePath } from '../plan/purge-planner.js';
import type { QuoteValue } from '../../sql/quote-value.js';

/** A part of a statement that leads from a row to the rows that reference it. @internal */
export interface PathSql {
  /** What stands after `from`. */
  readonly tables: string;
  /** The alias of the referencing rows. */
  readonly last: string;
  readonly where: readonly string[];
}

/**
 * The rows at the end of a path that starts from the row `p`, joined hop by hop as `r1`, `r2` and so on.
 *
 * @internal
 */
export function pathSql(path: ReferencePath, quote: QuoteValue, start = 'p', prefix = 'r'): PathSql {
  const tables: string[] = [];
  const where: string[] = [];
  let before = start;
  path.hops.forEach((hop, i) => {
    const alias = `${prefix}${i + 1}`;
    const { reference } = hop;
    if (hop.within.length > 0) {
      tables.push(`lateral (${withinSql(hop, path.hops[i + 1], before, quote)}) as ${alias}`);
    } else {
      tables.push(`${reference.from.name} as ${alias}`);
      where.push(...equal(alias, reference.fromColumns, before, reference.toColumns));
      where.push(...reference.conditions.map((condition) => conditionSql(alias, condition, quote)));
    }
    if (hop.except.length > 0) {
      const parts = hop.except.map((rows) => rowsSql(alias, rows, quote)).join(' or ');
      const mayBeUnknown = hop.except.some((rows) => rows.some((condition) => 'sql' in condition));
      where.push(mayBeUnknown ? `(${parts}) is not true` : `not (${parts})`);
    }
    if (hop.exceptSiblings) {
      const { fromColumns } = path.hops[i - 1]!.reference;
      where.push(`(${equal(alias, fromColumns, before, fromColumns).join(' and ')}) is not true`);
    }
    before = alias;
  });
  return { tables: tables.join(', '), last: before, where };
}

/** Whether a path from the row `p` of an entity finds another row than `p` itself. @internal */
export function existsSql(
  path: ReferencePath,
  target: PurgeEntity | undefined,
  quote: QuoteValue,
  further: (last: string) => readonly string[] = () => [],
  isSmall = true,
): string {
  const { tables, last, where } = pathSql(path, quote);
  const { from } = path.hops.at(-1)!.reference;
  const self =
    target && path.source === target
      ? [`not (${equal(last, names(from.key), 'p', names(target.table.key)).join(' and ')})`]
      : [];
  // Without `offset 0` a batch of a few rows may be planned as a join over the whole referencing table.
  const fence = isSmall && path.hops.every(({ reference }) => reference.isIndexed) ? ' offset 0' : '';
  return `exists (select from ${tables} where ${[...where, ...self, ...further(last)].join(' and ')}${fence})`;
}

/** @internal */
export function equal(
  left: string,
  leftColumns: readonly string[],
  right: string,
  rightColumns: readonly string[],
): string[] {
  return leftColumns.map((column, i) => `${left}.${column} = ${right}.${rightColumns[i]!}`);
}

/** @internal */
export function names(columns: readonly PurgeColumn[]): string[] {
  return columns.map(({ name }) => name);
}

/** @internal */
export function conditionSql(alias: string, condition: PurgeCondition, quote: QuoteValue): string {
  if ('sql' in condition) {
    return condition.sql(alias);
  }
  const { column, values } = condition;
  return `${alias}."${column.replaceAll('"', '""')}" in (${values.map(quote).join(', ')})`;
}

/** @internal */
export function rowsSql(alias: string, rows: readonly PurgeCondition[], quote: QuoteValue): string {
  return rows.length === 0
    ? 'true'
    : `(${rows.map((condition) => conditionSql(alias, condition, quote)).join(' and ')})`;
}

/** Rows that a row owns through a key, and what they own in their own table, to any depth. */
function withinSql({ reference, within }: Hop, next: Hop | undefined, before: string, quote: QuoteValue): string {
  const { from } = reference;
  const columns = [
    ...new Set([
      ...names(from.key),
      ...reference.fromColumns,
      ...within.flatMap(({ toColumns }) => toColumns),
      ...(next?.reference.toColumns ?? []),
    ]),
  ];
  const list = (alias: string) => columns.map((column) => `${alias}.${column}`).join(', ');
  const first = [
    ...equal('o', reference.fromColumns, before, reference.toColumns),
    ...reference.conditions.map((condition) => conditionSql('o', condition, quote)),
  ];
  const steps = within.map(
    ({ fromColumns, toColumns }) => `(${equal('o', fromColumns, 'w', toColumns).join(' and ')})`,
  );
  return (
    `with recursive w as (select ${list('o')} from ${from.name} as o where ${first.join(' and ')} ` +
    `union select ${list('o')} from w join ${from.name} as o on ${steps.join(' or ')}) select * from w`
  );
}
