import { activePredicate, deletedPredicate } from '../metadata/active-predicate.js';
import { DEFAULT_PROPERTY } from '../options/default-property.js';
import type { SoftDeletableOptions } from '../options/soft-deletable-options.js';
import type { DefinitionTarget, ReleasedRelation } from './definition-target.js';
import { guardTrigger } from './guard-trigger.js';

/**
 * Adds what the mark of an entity means for its table to the ORM's own definitions, so that the schema generator and
 * migrations see it without the module: the purge index, the guard, and a partial unique index in place of the unique
 * constraint of each owning one-to-one relation, whose foreign key must be free again after a deletion.
 *
 * @internal
 */
export function declareDatabaseObjects(target: DefinitionTarget, options: SoftDeletableOptions): void {
  const property = options.property ?? DEFAULT_PROPERTY;
  if (options.purgeIndex ?? true) {
    target.add('indexes', {
      /**
       * An index without properties is none: the timestamp of a joined class is in the table of its root, and one that is
       * missing shall be missed by the catalog, which says what to write.
       */
      get properties() {
        return target.joinedRoot || !target.declares(property) ? [] : [property, ...target.primaryKeys];
      },
      where: deletedPredicate(property),
    });
  }
  if (options.guard) {
    target.add('triggers', guardTrigger());
  }
  for (const relation of target.releaseOneToOne()) {
    target.add('uniques', oneToOneUnique(target, relation, property) as never);
  }
}

/**
 * Steps back for an `@ActiveUnique()` of the relation's own, wherever that stands: it may carry a name. A unique index without
 * properties is none.
 */
function oneToOneUnique(target: DefinitionTarget, { name, isReleased }: ReleasedRelation, property: string): object {
  const unique = {
    get properties(): string[] {
      const explicit = target.uniques.some((other) => other !== unique && names(other, name));
      return explicit || !isReleased() ? [] : [name];
    },
    where: activePredicate(property),
  };
  return unique;
}

function names(definition: { readonly properties?: unknown }, property: string): boolean {
  const own = Object.getOwnPropertyDescriptor(definition, 'properties');
  return own?.get === undefined && [own?.value].flat().join() === property;
}
