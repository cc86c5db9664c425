import { GUARD_TRIGGER, guardTrigger } from '../../schema/guard-trigger.js';
import type { Check, Examination } from '../examination.js';
import type { Finding } from '../finding.js';

const UPDATE = 'Run `mikro-orm schema:update`, or create and run a migration.';

const AS_DECLARED = / BEFORE DELETE ON .* FOR EACH ROW /;

/** Guard triggers and active views that do not say what the model says. @internal */
export const checkObjects: Check = (examination) => [...checkGuards(examination), ...checkViews(examination)];

function checkGuards(examination: Examination): Finding[] {
  return examination.catalog.all().flatMap(({ name: entity, meta, guard }): Finding[] => {
    const table = examination.tableOf(meta);
    if (!table) {
      return [];
    }
    const label = examination.label(table);
    const trigger = table.triggers.find(({ name }) => name === GUARD_TRIGGER);
    const finding = (severity: Finding['severity'], problem: string, fix: string): Finding[] => [
      { code: 'guard-out-of-date', severity, entity, problem, fix },
    ];
    if (!guard) {
      return trigger
        ? finding(
            'warning',
            `${label} has a guard that the model does not declare: physical deletes are refused.`,
            UPDATE,
          )
        : [];
    }
    if (table.partitioned) {
      return finding(
        'error',
        `${label} is partitioned, and its guard refuses updates that move a row to another partition: PostgreSQL moves it by a delete and an insert.`,
        `Leave out \`guard\` in the mark of ${entity}; in SQL: drop trigger if exists ${GUARD_TRIGGER} on ${label};`,
      );
    }
    if (!trigger) {
      return finding('error', `${label} has no guard: a delete in SQL removes rows for good.`, UPDATE);
    }
    if (!trigger.enabled) {
      return finding(
        'error',
        `The guard of ${label} is disabled: a delete in SQL removes rows for good.`,
        `alter table ${label} enable trigger ${GUARD_TRIGGER};`,
      );
    }
    const { body, when } = meta.triggers.find(({ name }) => name === GUARD_TRIGGER) ?? guardTrigger();
    return trigger.body.includes(body as string) &&
      trigger.definition.includes(when!) &&
      AS_DECLARED.test(trigger.definition)
      ? []
      : finding(
          'error',
          `The guard of ${label} is not the one of this version of the package.`,
          `drop trigger ${GUARD_TRIGGER} on ${label}; and then run \`mikro-orm schema:update\`.`,
        );
  });
}

function checkViews(examination: Examination): Finding[] {
  return examination.metadata.flatMap((meta): Finding[] => {
    const expected = examination.expectedView(meta);
    if (expected === undefined) {
      return [];
    }
    const view = examination.viewOf(meta);
    if (view && fingerprint(view.definition) === fingerprint(expected) && /\bis null\b/i.test(view.definition)) {
      return [];
    }
    return [
      {
        code: 'view-out-of-date',
        severity: view ? 'warning' : 'error',
        entity: meta.className,
        problem: view
          ? `The view ${view.schema}.${view.name} does not show the columns and active rows of the model.`
          : `The view ${meta.tableName} is not in the database, so whatever reads it fails.`,
        fix: UPDATE,
      },
    ];
  });
}

/** The definition of an active view carries one of its columns and their types. */
function fingerprint(definition: string): string | undefined {
  return /'types ([0-9a-f]+)'/.exec(definition)?.[1];
}
