/**
 * The names by which a request says which rows it wants to see.
 *
 * @publicApi
 */
export interface RequestParameter {
  /**
   * The query parameter of an HTTP request.
   *
   * @default none: HTTP requests cannot choose
   */
  query?: string;
  /**
   * The argument of a GraphQL query, mutation or field, or the property of a message: of a microservice or of a WebSocket.
   *
   * @default none: these cannot choose
   */
  arg?: string;
}
