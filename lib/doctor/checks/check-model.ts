import { type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import { SOFT_DELETE_FILTER } from '../../metadata/filter-name.js';
import { hasTable } from '../../metadata/has-table.js';
import type { Check } from '../examination.js';
import type { Finding } from '../finding.js';

const LOOKS_LIKE_TIMESTAMP = /^(deleted|removed|archived)_?(at|on|date|time)$/i;
const LOOKS_PERSONAL =
  /^(e_?mail|phone|mobile|telephone|first_?name|last_?name|full_?name|surname|given_?name|family_?name|birth|date_?of_?birth|ssn|social_?security|passport|iban|ip_?address|street|postal_?code|zip_?code|tax_?id)/i;

/** What the entities say about themselves. @internal */
export const checkModel: Check = (examination) =>
  examination.metadata
    .filter((meta) => hasTable(meta) && !meta.pivotTable)
    .flatMap((meta) => {
      const entry = meta.root === meta ? examination.catalog.find(meta) : undefined;
      return [
        ...(entry || examination.catalog.find(meta) ? [] : notMarked(meta)),
        ...(entry && (entry.retention ?? examination.retention) === 'forever' ? personal(meta) : []),
        ...meta.relations.flatMap((prop) =>
          prop.targetMeta && examination.catalog.find(prop.targetMeta) ? hidesDeleted(meta, prop) : [],
        ),
      ];
    });

function notMarked(meta: EntityMetadata): Finding[] {
  return meta.props
    .filter((prop) => prop.kind === ReferenceKind.SCALAR && prop.nullable && LOOKS_LIKE_TIMESTAMP.test(prop.name))
    .filter(({ columnTypes }) => /^(timestamp|date)/i.test(columnTypes?.[0] ?? ''))
    .map(({ name }) => ({
      code: 'not-marked',
      severity: 'warning',
      entity: meta.className,
      problem: `${meta.className}.${name} looks like a time of deletion, but the entity is not marked: its deleted rows are visible everywhere, and em.remove() removes rows for good.`,
      fix: `@SoftDeletable(${name === 'deletedAt' ? '' : `{ property: '${name}' }`}) on ${meta.className}, or another name for the property.`,
    }));
}

function personal(meta: EntityMetadata): Finding[] {
  const names = meta.props
    .filter((prop) => prop.persist !== false && LOOKS_PERSONAL.test(prop.name))
    .map(({ name }) => name);
  return names.length === 0
    ? []
    : [
        {
          code: 'personal-data-forever',
          severity: 'warning',
          entity: meta.className,
          problem: `Deleted rows of ${meta.className} are kept forever, and ${names.join(', ')} may be personal data: what people asked to be deleted stays in the database.`,
          fix: `@SoftDeletable({ retention: '30d' }) on ${meta.className}, with the time that your obligations allow.`,
        },
      ];
}

function hidesDeleted(meta: EntityMetadata, prop: EntityProperty): Finding[] {
  const isReference = prop.kind === ReferenceKind.MANY_TO_ONE || (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner);
  const filters: unknown = prop.filters;
  const filter: unknown = Array.isArray(filters)
    ? filters.includes(SOFT_DELETE_FILTER)
    : (filters as Record<string, unknown> | undefined)?.[SOFT_DELETE_FILTER];
  // Once installed, the filter of a relation says what it shows.
  const hides =
    filter === true || (typeof filter === 'object' && filter !== null && Object.values(filter).includes('scoped'));
  return isReference && hides
    ? [
        {
          code: 'reference-hides-deleted',
          severity: 'info',
          entity: meta.className,
          problem: `${meta.className}.${prop.name} hides a deleted ${prop.targetMeta!.className}: populated it is ${prop.nullable ? 'null' : 'missing, and the row may be left out with it'}, though the key is there.`,
          fix: `Remove \`filters: { ${SOFT_DELETE_FILTER}: true }\` from the relation, unless that is what you want.`,
        },
      ]
    : [];
}
