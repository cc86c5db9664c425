/**
 * By which name a request says which rows it wants to see.
 *
 * @publicApi
 */
export interface RequestParameter {
  /**
   * The query parameter of an HTTP request.
   *
   * @default HTTP requests have no say
   */
  query?: string;
  /**
   * The argument of a GraphQL query, mutation or field, or the property of a message: of a microservice or of a WebSocket.
   *
   * @default these have no say
   */
  arg?: string;
}
