export declare function throwAwayFolder(): Promise<string>;
