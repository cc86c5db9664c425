/**
 * A row that stays in its table when another one is archived. With columns, the deletion has cleared its key to that one, and a
 * restoration writes it again where it is still null; without, the deletion took the row along softly.
 *
 * @internal
 */
export interface ArchivedLink {
  readonly table?: string;
  readonly columns?: readonly string[];
  readonly referenced?: readonly string[];
  /** The text of each column of its primary key. */
  readonly key?: Readonly<Record<string, string>>;
  /** The root of its hierarchy and its key as text, if the ORM maps it. */
  readonly entity?: string;
  readonly id?: string;
}
