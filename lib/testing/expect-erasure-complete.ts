import { AssertionError } from 'node:assert';
import type { AnyOrm } from '../options/any-of-the-orm.js';
import { findUndeclared } from '../compliance/erasure/declaration/find-undeclared.js';
import { PersonalDataCatalog } from '../compliance/erasure/declaration/personal-data-catalog.js';

/**
 * Fails a test if an erasure would be refused: an entity with a key to a person, or one of its text, json, bytea or inet columns, is
 * declared nowhere, or no entity is declared as a person. Reads only the metadata.
 *
 * ```ts
 * it('knows what to do with every column', () => expectErasureComplete(orm));
 * ```
 *
 * @throws AssertionError that names everything missing
 * @publicApi
 */
export function expectErasureComplete(orm: AnyOrm): void {
  const isAnybody = PersonalDataCatalog.of(orm.em)
    .all()
    .some(({ isSubject }) => isSubject);
  const missing = [
    ...(isAnybody ? [] : ['No entity is a person: write @PersonalData({ subject: true, fields: { … } }) on one.']),
    ...findUndeclared(orm.em).map(({ entity, properties }) =>
      properties.length === 0
        ? `${entity} has a key to a person: write @PersonalData({ of: '…', fields: { … } }) or @NoPersonalData().`
        : `${entity}: list ${properties.join(', ')} in the \`fields\` or in \`notPersonal\` of @PersonalData().`,
    ),
  ];
  if (missing.length > 0) {
    throw new AssertionError({
      message: `An erasure would be refused.\n${missing.map((line) => `- ${line}`).join('\n')}`,
      actual: missing,
      expected: [],
      operator: 'expectErasureComplete',
      stackStartFn: expectErasureComplete,
    });
  }
}
