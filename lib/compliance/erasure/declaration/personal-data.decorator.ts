import type { EntityCtor } from '@mikro-orm/core';
import type { AnyEntitySchema } from '../../../options/any-of-the-orm.js';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import type { AnySchema } from '../../../schema/definition-target.js';
import { ownPersonalDataMark, setPersonalDataMark } from './personal-data.mark.js';
import type { PersonalDataOptions } from './personal-data-options.js';
import { requirePersonalDataOptions } from './require-personal-data-options.js';

type Instance<Target> = Target extends abstract new (...args: any[]) => infer Entity ? Entity : any;

/**
 * Says what an erasure does with the rows of an entity: whose they are, which properties are personal, and what takes the place of their
 * values. Works as a TypeScript (`experimentalDecorators`) and as an ECMAScript decorator, above or below `@Entity()`.
 *
 * ```ts
 * @PersonalData<Customer>({ subject: true, fields: { email: erased.email(), name: null } })
 * @PersonalData<Order>({ of: 'customer', fields: { shipTo: null }, keep: { for: '10y', from: 'createdAt', ground: '§147 AO' } })
 * @PersonalData<Review>({ of: 'author', erase: 'row' })
 * @PersonalData<Message>({ of: { sender: { body: '[erased]' }, recipient: {} } })
 * ```
 *
 * Every text, json, bytea and inet column has to be listed, in `fields` or in `notPersonal`: an erasure refuses to begin otherwise. With
 * `erase: 'row'` no list is needed. A class below the entity in an inheritance hierarchy speaks for the properties that it adds.
 *
 * @throws SoftDeleteConfigError if an option is unknown or of the wrong type; at start-up, if a property is unknown, a way to a person is
 * not one of to-one relations, or a replacement does not fit its column
 * @publicApi
 */
export function PersonalData<Entity = any>(options: NoInfer<PersonalDataOptions<Entity>>) {
  return function mark<Target extends abstract new (...args: any[]) => object>(
    target: Target,
    _context?: ClassDecoratorContext<Target>,
  ): void {
    remember(target, `@PersonalData() on ${target.name}`, options as PersonalDataOptions);
  };
}

/**
 * The same for an entity that is defined with `defineEntity()` or `new EntitySchema()`. Returns it.
 *
 * ```ts
 * export const OrderSchema = personalData(defineEntity({ … }), { of: 'customer', fields: { shipTo: null } });
 * ```
 *
 * @throws SoftDeleteConfigError as `@PersonalData()` does
 * @publicApi
 */
export function personalData<Schema extends AnySchema>(
  schema: Schema,
  options: PersonalDataOptions<Schema extends { class: infer Class } ? Instance<Class> : any>,
): Schema {
  const { meta } = schema as unknown as AnyEntitySchema;
  remember(meta.class as EntityCtor, `personalData() on ${meta.className}`, options as PersonalDataOptions);
  return schema;
}

/**
 * Says that the rows of an entity hold nothing personal, though they have a key to a person. An erasure leaves them alone.
 *
 * @publicApi
 */
export function NoPersonalData() {
  return function mark<Target extends abstract new (...args: any[]) => object>(
    target: Target,
    _context?: ClassDecoratorContext<Target>,
  ): void {
    remember(target, `@NoPersonalData() on ${target.name}`, 'none');
  };
}

/**
 * The same for an entity that is defined with `defineEntity()` or `new EntitySchema()`. Returns it.
 *
 * @publicApi
 */
export function noPersonalData<Schema extends AnySchema>(schema: Schema): Schema {
  const { meta } = schema as unknown as AnyEntitySchema;
  remember(meta.class as EntityCtor, `noPersonalData() on ${meta.className}`, 'none');
  return schema;
}

function remember(target: object, where: string, options: PersonalDataOptions | 'none'): void {
  if (options !== 'none') {
    requirePersonalDataOptions(where, options);
  }
  if (ownPersonalDataMark(target)) {
    throw new SoftDeleteConfigError(
      where,
      'the class already has a declaration.',
      'Write one for everything. For rows of several persons, name each: of: { sender: { … }, recipient: { … } }.',
    );
  }
  setPersonalDataMark(target, { where, options });
}
