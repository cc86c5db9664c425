import type { EntityMetadata } from '@mikro-orm/core';
import type { ComplianceTable } from '../database/read-compliance.js';
import type { Check, Examination } from '../examination.js';
import type { Finding } from '../finding.js';

const UPDATE = 'Run `mikro-orm schema:update`, or create and run a migration.';
const IN_A_MIGRATION = '.forEach((sql) => this.addSql(sql)); in a migration.';

/** Records that could be changed, holds that nobody has looked at again, and what else is wrong with the tables for them. @internal */
export const checkCompliance: Check = (examination) => [
  ...examination.compliance.overdue.map(({ id, name, reviewAt }): Finding => ({
    code: 'hold-to-review',
    severity: 'warning',
    entity: 'LegalHold',
    problem: `The legal hold ${id}, "${name}", was due for review on ${reviewAt}, and still keeps its rows from being removed.`,
    fix: `soft-delete hold release ${id} --reason '…'; or, if it is still needed, place one with a later --review-at first.`,
  })),
  ...[...examination.compliance.tables].flatMap(([meta, table]) => [
    ...checkTriggers(examination, meta),
    ...checkPartitionTriggers(meta, table),
    ...checkTruncate(meta, table),
    ...checkOwner(examination, meta, table),
    ...checkPartitions(meta, table),
  ]),
];

function checkTriggers(examination: Examination, meta: EntityMetadata): Finding[] {
  const table = examination.tableOf(meta)!;
  const label = examination.label(table);
  return meta.triggers.flatMap((expected): Finding[] => {
    const { name } = expected;
    const trigger = table.triggers.find((other) => other.name === name);
    const finding = (problem: string, fix: string): Finding[] => [
      { code: 'records-changeable', severity: 'error', entity: meta.className, problem, fix },
    ];
    if (!trigger) {
      return finding(
        `${label} has no trigger ${name}: anybody who may write to it can change or remove records.`,
        UPDATE,
      );
    }
    if (!trigger.enabled) {
      return finding(
        `The trigger ${name} of ${label} is disabled: anybody who may write to it can change or remove records.`,
        `alter table ${label} enable trigger ${name};`,
      );
    }
    const isCurrent =
      trigger.body.includes(expected.body as string) &&
      (expected.when ? trigger.definition.includes(expected.when) : !/ WHEN \(/.test(trigger.definition)) &&
      expected.events.every((event) => new RegExp(`\\b${event}\\b.* ON `, 'i').test(trigger.definition));
    return isCurrent
      ? []
      : finding(
          `The trigger ${name} of ${label} is not the one of this version of the package.`,
          `drop trigger ${name} on ${label}; and then run \`mikro-orm schema:update\`.`,
        );
  });
}

/** Each partition has a copy of the triggers, which can be disabled by itself. */
function checkPartitionTriggers(meta: EntityMetadata, { disabledInPartitions }: ComplianceTable): Finding[] {
  return disabledInPartitions.map(({ partition, trigger }) => ({
    code: 'records-changeable',
    severity: 'error',
    entity: meta.className,
    problem: `The trigger ${trigger} of the partition ${partition} is disabled: anybody who may write to it can change or remove records.`,
    fix: `alter table ${partition} enable trigger ${trigger};`,
  }));
}

function checkTruncate(meta: EntityMetadata, { unguarded }: ComplianceTable): Finding[] {
  return unguarded.length === 0
    ? []
    : [
        {
          code: 'records-truncatable',
          severity: 'warning',
          entity: meta.className,
          problem: `TRUNCATE empties ${unguarded.join(', ')}: it fires no trigger for rows.`,
          fix: `complianceTablesSql()${IN_A_MIGRATION}`,
        },
      ];
}

function checkOwner({ role, ...examination }: Examination, meta: EntityMetadata, table: ComplianceTable): Finding[] {
  return !table.isOwned
    ? []
    : [
        {
          code: 'records-owned',
          severity: 'info',
          entity: meta.className,
          problem: `${role}, the role of this connection, has the rights of ${table.owner}, the owner of ${table.name}: it can disable its triggers or drop it.`,
          fix: `If the application uses this role, let another one own the table: alter table ${examination.label(examination.tableOf(meta)!)} owner to <role of the migrations>; grant select, insert on ${table.name} to ${role};`,
        },
      ];
}

function checkPartitions(meta: EntityMetadata, { name, missingMonth }: ComplianceTable): Finding[] {
  return missingMonth === null
    ? []
    : [
        {
          code: 'partition-missing',
          severity: 'warning',
          entity: meta.className,
          problem: `${name} has no partition for ${missingMonth}: its rows will go to the default partition, which is never dropped.`,
          fix: 'Run `soft-delete archive partitions` as the owner of the table, every month.',
        },
      ];
}
