/** Where tables of this package are: in the schema of the entity manager, or where the connection finds them by itself. @internal */
export interface TablesSchema {
  readonly schema?: '*';
}
