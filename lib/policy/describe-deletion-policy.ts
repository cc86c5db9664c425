import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyOrm } from '../options/any-of-the-orm.js';
import { configuredRetention } from '../installation/configured-retention.js';
import { findInstallation } from '../installation/installation.js';
import { type Duration, parseRetention } from '../options/duration.js';
import { intervalOf } from '../options/interval.js';
import { describeRetention } from '../options/show-duration.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { describePersonalData } from './describe-personal-data.js';
import type { EntityPolicy } from './entity-policy.js';
import { readPolicy } from './read-policy.js';

/** @publicApi */
export interface DeletionPolicyOptions {
  /**
   * How long entities that name no retention keep their deleted rows: the `purge.retention` of the module.
   *
   * @default what `softDelete()` in the ORM's configuration says, else left open in the text
   */
  retention?: Duration | 'forever';
}

/**
 * Returns the deletion policy of all entities as Markdown, to be committed and read by those who answer for the data: what a deletion does,
 * what it takes along, how long it can be undone, what is removed for good and when. The same entities give the same text, so a test can
 * keep the file up to date. Does not need the database.
 *
 * ```ts
 * expect(readFileSync('DELETION_POLICY.md', 'utf8')).toBe(describeDeletionPolicy(orm));
 * ```
 *
 * @throws SoftDeleteConfigError if an entity is marked in a way that cannot work, an option is unknown, or the retention is no duration
 * @publicApi
 */
export function describeDeletionPolicy(orm: AnyOrm, options: DeletionPolicyOptions = {}): string {
  refuseUnknownOptions('policy', options, ['retention'], 'policy.');
  const retention = options.retention ?? configuredRetention(orm.em);
  const byDefault = retention === undefined ? undefined : parseRetention('policy.retention', retention);
  const policies = readPolicy(orm.em as EntityManager, byDefault);
  const restorable = policies.filter(({ strategy }) => strategy !== 'physical');
  const physical = policies.filter(({ strategy }) => strategy === 'physical');
  const lines = [
    '# Deletion policy',
    '',
    'What happens to deleted data, entity by entity. Written by `soft-delete policy` from the entities of the application.',
    '',
    '| Entity | Table | A deletion | Is kept | Unique among active rows | Unique among all rows |',
    '| --- | --- | --- | --- | --- | --- |',
    ...policies.map(overview),
    '',
    ...restorable.flatMap(section),
  ];
  if (physical.length > 0) {
    lines.push(
      '## Deleted at once',
      '',
      `Rows of ${physical.map(({ entity }) => entity).join(', ')} are removed when they are deleted, and cannot be restored.`,
      '',
    );
  }
  const deadline = intervalOf('erasure.deadline', findInstallation(orm.em)?.erasure.deadline ?? '1 month');
  lines.push(
    ...describePersonalData(
      policies.flatMap(({ personalData = [] }) => personalData),
      deadline,
    ),
  );
  return lines.join('\n');
}

function overview(policy: EntityPolicy): string {
  const cells = [
    policy.entity,
    code(policy.table),
    deletion(policy),
    policy.strategy === 'physical' ? '–' : kept(policy),
    policy.uniqueAmongActive.join('; ') || '–',
    policy.uniqueAmongAll.join('; ') || '–',
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function deletion({ strategy, column }: EntityPolicy): string {
  switch (strategy) {
    case 'soft':
      return `sets ${code(column!)}`;
    case 'archive':
      return `moves the row to ${code('deletion_archive')}`;
    case 'physical':
      return 'removes the row';
  }
}

function section(policy: EntityPolicy): string[] {
  const { entity, guarded, retention } = policy;
  const ends = retention !== 'forever';
  const facts: readonly (readonly [string, readonly string[]])[] = [
    ['Deleted and restored with it', policy.deletedAlong],
    ['Not deleted while active rows remain in', policy.restrictedBy],
    ['Stay when it is deleted', policy.kept],
    ['Removed for good with it, at the purge', ends ? policy.purgedAlong : []],
    ['Lose their reference to it, and get it back when it is restored', policy.clearedAtOnce],
    ['Lose their reference to it at the purge', ends ? policy.clearedAtPurge : []],
    ['Keep it from being purged as long as they are there and not due themselves', ends ? policy.blockPurge : []],
  ];
  return [
    `## ${entity}`,
    '',
    ends
      ? `A deleted row can be restored for ${kept(policy)}; then the purge removes it for good.`
      : 'A deleted row can be restored at any time. It is never removed for good.',
    ...(policy.strategy === 'archive'
      ? [
          'A deletion removes it from its table at once, with what is listed here, and keeps a copy in the archive, from where it comes back.',
        ]
      : []),
    ...(policy.comment ? [`Why: ${policy.comment}`] : []),
    ...(guarded ? ['The database refuses to delete its rows physically from anywhere else.'] : []),
    '',
    ...facts.filter(([, names]) => names.length > 0).map(([what, names]) => `- ${what}: ${names.join(', ')}`),
    ...(facts.some(([, names]) => names.length > 0) ? [''] : []),
  ];
}

function kept({ retention }: EntityPolicy): string {
  if (retention === undefined) {
    return "the module's `purge.retention`";
  }
  return describeRetention(retention);
}

function code(text: string): string {
  return `\`${text}\``;
}
