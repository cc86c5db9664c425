import { showValue } from '../../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import { refuseUnknownOptions } from '../../../options/refuse-unknown-options.js';
import { intervalOf } from '../../../options/interval.js';
import { requireType } from '../../../options/require-type.js';
import type { LegalKeep, PersonalDataOptions } from './personal-data-options.js';

const KEYS = ['subject', 'of', 'fields', 'erase', 'keep', 'notPersonal'] satisfies (keyof PersonalDataOptions)[];

/**
 * What can be said of a declaration before the ORM knows the entity.
 *
 * @throws SoftDeleteConfigError if an option is unknown, of the wrong type, or contradicts another
 * @internal
 */
export function requirePersonalDataOptions(where: string, options: PersonalDataOptions): void {
  refuseUnknownOptions(where, options, KEYS);
  const { subject, of, fields, erase, keep, notPersonal } = options;
  requireConstant(`${where}, subject`, subject, true, 'Write `subject: true`, or leave it out.');
  requireConstant(
    `${where}, erase`,
    erase,
    'row',
    "Write `erase: 'row'`, or leave it out: fields are overwritten then.",
  );
  requireType(`${where}, fields`, fields, 'object');
  requireType(`${where}, notPersonal`, notPersonal, 'list');
  notPersonal?.forEach((name) => requireType(`${where}, notPersonal`, name ?? null, 'string'));
  requireKeep(`${where}, keep`, keep);
  if (of === undefined) {
    return;
  }
  if (typeof of === 'string') {
    requireType(`${where}, of`, of, 'string');
    if (subject) {
      throw new SoftDeleteConfigError(
        `${where}, of`,
        'the row is a person itself, so `fields` could be meant for either person.',
        `Write of: { ${of}: { … } } with what is replaced when the other person is erased.`,
      );
    }
    return;
  }
  requireType(`${where}, of`, of, 'object');
  const paths = Object.entries(of);
  if (paths.length === 0) {
    throw new SoftDeleteConfigError(`${where}, of`, 'it names no path to a person.', "Write of: 'customer'.");
  }
  for (const [path, replaced] of paths) {
    requireType(`${where}, of.${path}`, replaced ?? null, 'object');
  }
  if (fields && !subject) {
    throw new SoftDeleteConfigError(
      `${where}, fields`,
      '`of` names several paths to a person, and nothing says which one the fields are for.',
      `Move them into it: of: { ${paths[0]![0]}: { … } }.`,
    );
  }
}

function requireConstant(option: string, value: unknown, allowed: unknown, advice: string): void {
  if (value !== undefined && value !== allowed) {
    throw new SoftDeleteConfigError(option, `${showValue(value)} means nothing here.`, advice);
  }
}

function requireKeep(where: string, keep: LegalKeep | undefined): void {
  if (keep === undefined) {
    return;
  }
  requireType(where, keep, 'object');
  refuseUnknownOptions(where, keep, ['for', 'from', 'ground']);
  for (const name of ['for', 'from', 'ground'] as const) {
    if (keep[name] === undefined) {
      throw new SoftDeleteConfigError(
        `${where}, ${name}`,
        'it is missing.',
        "Write keep: { for: '10y', from: 'createdAt', ground: '§147 AO' }.",
      );
    }
  }
  intervalOf(`${where}, for`, keep.for);
  requireType(`${where}, from`, keep.from, 'string');
  requireType(`${where}, ground`, keep.ground, 'string');
}
