/** How a literal stands in SQL: `quoteValue` of the ORM's platform. @internal */
export type QuoteValue = (value: string | number) => string;
