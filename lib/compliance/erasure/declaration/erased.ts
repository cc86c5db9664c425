/**
 * A replacement that is made for each row. Made by `erased`.
 *
 * @publicApi
 */
export class ErasedValue {
  /** @internal */
  constructor(readonly kind: 'email' | 'digest') {}
}

/**
 * Replacements for values that have to stay unique or must not be null. They are made from the row's key alone, never from what they
 * replace: nobody can work back from them, and erasing again changes nothing.
 *
 * @publicApi
 */
export const erased = {
  /** An address that no mail ever reaches, another one for each row: `erased-5d41402abc4b2a76@erased.invalid`. */
  email: (): ErasedValue => new ErasedValue('email'),
  /** Hexadecimal digits, other ones for each row: up to 64, as many as the column takes. For text and bytea columns. */
  digest: (): ErasedValue => new ErasedValue('digest'),
} as const;
