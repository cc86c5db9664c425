/** What is looked for once everything is overwritten. @internal */
export interface OldValues {
  /** The person's own values, which are looked for inside of other texts. */
  readonly own: ReadonlySet<string>;
  /** Whether there are longer texts, of any row, which are looked for as they are: the database keeps their signatures. */
  readonly areSigned: boolean;
  /** The signatures themselves, if they were asked for. */
  readonly signatures?: string;
}
