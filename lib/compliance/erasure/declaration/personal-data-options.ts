import type { EntityData, RawQueryFragment } from '@mikro-orm/core';
import type { Duration } from '../../../options/duration.js';
import type { ErasedValue } from './erased.js';

type Name<Entity> = Extract<keyof Entity, string>;

/**
 * What takes the place of personal values: `null`, a constant as the entity has it, `erased.email()`, `erased.digest()`, or the ORM's
 * `raw()`, whose SQL may use the columns of the row and must give the same when it is run again. A property of an embeddable is
 * written `'address.street'`.
 *
 * @publicApi
 */
export type PersonalFields<Entity = any> = {
  [Property in Name<Entity>]?:
    | (Property extends keyof EntityData<Entity> ? EntityData<Entity>[Property] : unknown)
    | ErasedValue
    | RawQueryFragment
    | null;
} & { [path: `${string}.${string}`]: unknown };

/**
 * A to-one relation, or several with dots between them.
 *
 * @publicApi
 */
export type PersonPath<Entity = any> = Name<Entity> | `${Name<Entity>}.${string}`;

/**
 * How long the law wants rows to be kept, whoever asks for their erasure.
 *
 * @publicApi
 */
export interface LegalKeep<Entity = any> {
  /** Years are years of the calendar, everything else is as long as `ms` says. */
  readonly for: Duration;
  /** The property with the time that the period starts at. A row that has none yet is kept. */
  readonly from: Name<Entity>;
  /** Why, as the certificate says it, such as `§147 AO`. */
  readonly ground: string;
}

/**
 * What an erasure does with the rows of an entity.
 *
 * @publicApi
 */
export interface PersonalDataOptions<Entity = any> {
  /** The rows are the persons whose data can be erased. */
  readonly subject?: true;
  /**
   * The way to the person, by to-one relations: `'customer'`, `'order.customer'`. Rows of several persons name each way with what is
   * replaced for that person: `{ sender: { body: '[erased]' }, recipient: {} }`.
   */
  readonly of?: PersonPath<Entity> | { readonly [Path in PersonPath<Entity>]?: PersonalFields<Entity> };
  /** The personal properties and what takes the place of their values. */
  readonly fields?: PersonalFields<Entity>;
  /**
   * Removes the row. Where another row that stays points at it by a key that must not be null, it stays as well, and `fields` are
   * overwritten, if there are any.
   */
  readonly erase?: 'row';
  /** Keeps rows as they are until a time. */
  readonly keep?: LegalKeep<Entity>;
  /** Properties with text, json, bytea or inet columns that hold no personal data. */
  readonly notPersonal?: readonly PersonPath<Entity>[];
}
