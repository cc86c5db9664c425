import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import { viewSource } from '../../schema/active-view.js';
import type { Check, Examination } from '../examination.js';
import type { Finding } from '../finding.js';

/** The column of the timestamp, as it is in the database. @internal */
export const checkColumns: Check = (examination) =>
  examination.catalog.all().flatMap((entry): Finding[] => {
    const { name: entity, meta, column: columnName, property } = entry;
    const table = examination.tableOf(meta);
    const update = 'Run `mikro-orm schema:update`, or create and run a migration.';
    const view = examination.viewOf(meta);
    if (view) {
      return [
        {
          code: view.isPartition ? 'table-is-partition' : 'table-is-view',
          severity: 'warning',
          entity,
          problem: `${entity} is mapped to the ${view.isPartition ? 'partition' : 'view'} ${view.name}: foreign keys do not lead there, so that the purge may leave its rows alone, and its columns and indexes are not checked.`,
          fix: 'Map the entity to the table that the rows belong to.',
        },
      ];
    }
    if (!table) {
      return [
        {
          code: 'table-missing',
          severity: 'error',
          entity,
          problem: `The table ${meta.tableName} is not in the database, so every query for ${entity} fails.`,
          fix: update,
        },
      ];
    }
    const label = examination.label(table);
    const column = table.columns.find(({ name }) => name === columnName);
    if (!column) {
      return [
        {
          code: 'column-missing',
          severity: 'error',
          entity,
          problem: `${label} has no column ${columnName}, so every query for ${entity} fails.`,
          fix: update,
        },
      ];
    }
    if (!table.readable) {
      return [
        {
          code: 'table-not-readable',
          severity: 'error',
          entity,
          problem: `The role ${examination.role} may not read ${label}, so its queries for ${entity} fail, and the purge's lag cannot be read.`,
          fix: `grant usage on schema ${examination.quote(table.schema)} to ${examination.quote(examination.role)}; grant select on ${label} to ${examination.quote(examination.role)};`,
        },
      ];
    }
    const alter = `alter table ${label} alter column ${examination.quote(columnName)}`;
    const findings: Finding[] = [];
    const report = (code: Finding['code'], severity: Finding['severity'], problem: string, fix: string) =>
      findings.push({ code, severity, entity, problem, fix });
    if (column.notNull) {
      report(
        'column-not-null',
        'error',
        `${label}.${columnName} is not nullable, so no row can be active.`,
        `${alter} drop not null;`,
      );
    }
    if (column.default !== null) {
      report(
        'column-default',
        'error',
        `${label}.${columnName} has the default ${column.default}, so rows may be deleted from the start.`,
        `${alter} drop default;`,
      );
    }
    const type = typeProblem(column.type);
    if (type) {
      report(
        'column-type',
        type.severity,
        `${label}.${columnName} is ${column.type}: ${type.problem}`,
        `@Property({ type: 'timestamptz', length: 6, nullable: true }) ${property}${type.advice ?? ''}; in SQL: ${retype(examination, entry, `${alter} type timestamptz;`)}`,
      );
    }
    return findings;
  });

/** PostgreSQL does not change the type of a column that a view shows. */
function retype(examination: Examination, entry: SoftDeletableEntityMetadata, alter: string): string {
  const views = examination.metadata
    .filter((meta) => {
      const source = viewSource(meta);
      return source && examination.catalog.find(source) === entry;
    })
    .map((meta) => examination.viewOf(meta))
    .filter((view) => view !== undefined);
  const drops = views.map(({ schema, name }) => `drop view ${examination.quote(schema)}.${examination.quote(name)};`);
  return views.length === 0 ? alter : `${drops.join(' ')} ${alter} and then run \`mikro-orm schema:update\`.`;
}

function typeProblem(type: string): (Pick<Finding, 'severity' | 'problem'> & { advice?: string }) | undefined {
  const precision = /^timestamp\((\d)\)/.exec(type)?.[1];
  if (precision !== undefined && Number(precision) < 6) {
    return {
      severity: 'error',
      problem:
        'the time of a deletion is its name, and rounded two deletions get the same one: a restore brings back too much.',
    };
  }
  if (/^timestamp(\(6\))? without time zone$/.test(type)) {
    return {
      severity: 'warning',
      problem: 'its meaning depends on the time zone of the session, so rows are purged hours early or late.',
      advice: ', and a statement of your own in the migration, because the schema generator sees no difference',
    };
  }
  return type.startsWith('timestamp')
    ? undefined
    : { severity: 'error', problem: 'a time of deletion does not fit into it.' };
}
