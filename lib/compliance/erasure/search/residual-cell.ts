/** A column of a row that still shows a value of the person. @internal */
export interface ResidualCell {
  /** The root of its hierarchy. */
  readonly root: string;
  /** The entity of the table, or of the table that the archived row was in. */
  readonly entity: string;
  readonly column: string;
  readonly key: readonly string[];
  /** The unit of a row in the archive. */
  readonly unit: string | null;
  /** Tells whether it has changed since. */
  readonly hash: string;
}
