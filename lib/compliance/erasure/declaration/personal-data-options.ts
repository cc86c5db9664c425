import type { EntityData, RawQueryFragment } from '@mikro-orm/core';
import type { Duration } from '../../../options/duration.js';
import type { ErasedValue } from './erased.js';

type Name<Entity> = Extract<keyof Entity, string>;

/**
 * The replacements of personal values: `null`, a constant, `erased.email()`, `erased.digest()`, or the ORM's `raw()`, whose SQL may use the
 * columns of the row and must give the same value when it runs again. Write a property of an embeddable as `'address.street'`.
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
 * How long the law requires rows to be kept, even if a person asks for their erasure.
 *
 * @publicApi
 */
export interface LegalKeep<Entity = any> {
  /** Years are calendar years; every other unit has a fixed length, as in the package `ms`. */
  readonly for: Duration;
  /** The property with the time at which the period starts. A row whose time is null is kept. */
  readonly from: Name<Entity>;
  /** The legal ground, for the certificate, such as `§147 AO`. */
  readonly ground: string;
}

/**
 * What an erasure does with the rows of an entity.
 *
 * @publicApi
 */
export interface PersonalDataOptions<Entity = any> {
  /** Whether the rows are the persons whose data can be erased. */
  readonly subject?: true;
  /**
   * The path to the person through to-one relations: `'customer'`, `'order.customer'`. For rows of several persons, name each path with
   * what is replaced for that person: `{ sender: { body: '[erased]' }, recipient: {} }`.
   */
  readonly of?: PersonPath<Entity> | { readonly [Path in PersonPath<Entity>]?: PersonalFields<Entity> };
  /** The personal properties and the replacements of their values. */
  readonly fields?: PersonalFields<Entity>;
  /**
   * Removes the row. If another row that stays references it by a key that must not be null, the row stays as well, and its `fields` are
   * overwritten.
   */
  readonly erase?: 'row';
  /** Keeps rows unchanged for a legal period. */
  readonly keep?: LegalKeep<Entity>;
  /** Properties with text, json, bytea or inet columns that hold no personal data. */
  readonly notPersonal?: readonly PersonPath<Entity>[];
}
