/**
 * What is known of a member: how many parameters the method declares before the first with a default (in any supported version),
 * that there is a value or accessor, or nothing, because the ORM assigns it later or not all supported versions have it.
 *
 * @internal
 */
export type Signature = number | readonly number[] | 'value' | 'later';

/** The classes of MikroORM that are touched. @internal */
export type OrmPart =
  | 'Collection'
  | 'DataloaderUtils'
  | 'Driver'
  | 'EntityFactory'
  | 'EntityHelper'
  | 'EntityLoader'
  | 'EntityManager'
  | 'EventManager'
  | 'MikroORM'
  | 'QueryBuilder'
  | 'Reference'
  | 'WrappedEntity';

/** Members of one class that are touched for one reason. @internal */
export interface Touches {
  readonly part: OrmPart;
  readonly members: Readonly<Record<string, Signature>>;
  /** The version of MikroORM that has them first. */
  readonly since: string;
  readonly why: string;
  /** The public hook that would make it unnecessary. */
  readonly instead: string;
}
