import { findUndeclared } from '../../compliance/erasure/declaration/find-undeclared.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import type { UndeclaredPersonalData } from '../../errors/erasure-undeclared.error.js';
import type { Check } from '../examination.js';
import type { Finding } from '../finding.js';
import { findShortRetentions } from './find-short-retentions.js';

/** What an erasure does not know what to do with, and what the purge removes too early. Without a person there is no erasure. @internal */
export const checkPersonalData: Check = (examination) => {
  const { orm, metadata, catalog } = examination;
  if (catalog.getMetadata() !== orm.getMetadata()) {
    // A mark cannot work, which is a finding by itself: what hangs on the entity cannot be told.
    return [];
  }
  try {
    return [...findUndeclared(orm).map(describe), ...findShortRetentions(examination)];
  } catch (error) {
    if (!(error instanceof SoftDeleteConfigError)) {
      throw error;
    }
    const { className } = metadata.find((meta) => error.option.split(/\W+/).includes(meta.className)) ?? {
      className: error.option,
    };
    return [invalid(className, error)];
  }
};

function invalid(entity: string, { problem, advice }: SoftDeleteConfigError): Finding {
  return {
    code: 'invalid-mark',
    severity: 'error',
    entity,
    problem: `A declaration of personal data cannot work, and the application does not start with it. ${problem}`,
    fix: advice,
  };
}

function describe({ entity, properties }: UndeclaredPersonalData): Finding {
  const names = properties.join(', ');
  return {
    code: 'personal-data-undeclared',
    severity: 'error',
    entity,
    problem:
      properties.length === 0
        ? `${entity} has a key to a person, but does not declare what an erasure does with its rows: every erasure is refused.`
        : `${entity} does not declare whether ${names} ${properties.length === 1 ? 'is' : 'are'} personal: every erasure is refused.`,
    fix:
      properties.length === 0
        ? `@PersonalData({ of: '…', fields: { … } }) on ${entity}, or @NoPersonalData().`
        : `List ${names} in the \`fields\` or in \`notPersonal\` of @PersonalData() on ${entity}.`,
  };
}
