
/*
 * version: which wgw this is.  The one place: the Makefile, usage, metrics and
 * the log read it here.  Major versions change names that a user writes.
 */

#ifndef WGW_VERSION_H
#define WGW_VERSION_H


#define WGW_VERSION  "0.2.0"


#endif /* WGW_VERSION_H */
