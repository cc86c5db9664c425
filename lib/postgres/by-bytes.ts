/** Orders texts as PostgreSQL does in the collation `C`. @internal */
export function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
