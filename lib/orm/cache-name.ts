/** The name of a cached result under a scope that shows deleted rows. @internal */
export function cacheName(name: string, scope: 'with' | 'only'): string {
  return `${name}|softDelete:${scope}`;
}
