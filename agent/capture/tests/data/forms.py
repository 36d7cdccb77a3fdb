#!/usr/bin/env python3
"""Writes an MRT file with a record of every kind that bgpdump -m prints: forms.py FILE."""
import struct,socket,sys
def attr(flags,code,val):
    if len(val)>255: return struct.pack('>BBH',flags|0x10,code,len(val))+val
    return struct.pack('>BBB',flags,code,len(val))+val
def path(segs,w):
    return b''.join(struct.pack('>BB',k,len(a))+b''.join(struct.pack('>I' if w==4 else '>H',x) for x in a) for k,a in segs)
def pfx(s):
    a,l=s.split('/');l=int(l);f=socket.AF_INET6 if ':' in a else socket.AF_INET
    return bytes([l])+socket.inet_pton(f,a)[:(l+7)//8]
def update(wd=b'',attrs=b'',nlri=b''):
    body=struct.pack('>H',len(wd))+wd+struct.pack('>H',len(attrs))+attrs+nlri
    return b'\xff'*16+struct.pack('>HB',19+len(body),2)+body
def rec(t,kind,sub,body,us=None):
    if us is not None: body=struct.pack('>I',us)+body
    return struct.pack('>IHHI',t,kind,sub,len(body))+body
def bgp4mp(sub,msg,peer='192.0.2.1',local='192.0.2.2',pas=65001,las=65000,kind=16,us=None):
    w=sub in(4,5,7,9,11); f=socket.AF_INET6 if ':' in peer else socket.AF_INET
    b=struct.pack('>II' if w else '>HH',pas,las)+struct.pack('>HH',0,2 if ':' in peer else 1)+socket.inet_pton(f,peer)+socket.inet_pton(f,local)+msg
    return rec(1700000000,kind,sub,b,us)
O=attr(0x40,1,b'\0'); N=attr(0x40,3,bytes([192,0,2,9]))
def P(segs,w=4): return attr(0x40,2,path(segs,w))
out=[]
S=[(2,[65001,3356,70000])]
A=lambda *x: b''.join(x)
n=pfx('10.0.0.0/8')+pfx('10.1.2.0/23')+pfx('0.0.0.0/0')+pfx('127.0.0.1/32')
out.append(bgp4mp(4,update(b'',A(O,P(S),N),n)))
out.append(bgp4mp(4,update(pfx('10.9.0.0/16'),A(attr(0x40,1,b'\2'),P([(2,[1,2]),(1,[3,4]),(2,[5])]),N,attr(0x80,4,b'\0\0\0\5'),attr(0x40,5,b'\xff\xff\xff\xff'),attr(0x40,6,b''),attr(0xc0,7,struct.pack('>I',70000)+bytes([1,2,3,4])),attr(0xc0,8,struct.pack('>IIIIIII',0xffffff01,0xffffff02,0xffffff03,0xffffff04,65001<<16|5,65001<<16|1,0))),n)))
out.append(bgp4mp(4,update(b'',A(O,P([(3,[65100,65101]),(4,[7,8]),(2,[9])]),N),n)))
out.append(bgp4mp(4,update(b'',A(O,P([]),N),n)))
out.append(bgp4mp(4,update(b'',A(O,P(S)),n)))       # no NEXT_HOP
out.append(bgp4mp(4,update(b'',A(P(S),N),n)))       # no ORIGIN
out.append(bgp4mp(4,update(b'',A(O,N),n)))          # no AS_PATH
out.append(bgp4mp(4,update(b'',A(attr(0x40,1,b'\1'),P(S),N),bytes([25,10,1,2,0xff])))) # stray bits
# two octets
T=23456
def as4(segs): return attr(0xc0,17,path(segs,4))
out.append(bgp4mp(1,update(b'',A(O,P([(2,[1,2,T,T])],2),N,as4([(2,[70001,70002])])),n)))
out.append(bgp4mp(1,update(b'',A(O,P([(2,[1,2]),(2,[T])],2),N,as4([(2,[70001])])),n)))
out.append(bgp4mp(1,update(b'',A(O,P([(2,[1,T]),(1,[5,6])],2),N,as4([(2,[70001]),(1,[5,70005])])),n)))
out.append(bgp4mp(1,update(b'',A(O,P([(2,[T])],2),N,as4([(2,[70001,70002])])),n)))  # longer
out.append(bgp4mp(1,update(b'',A(O,P([(2,[T,3])],2),N,as4([(2,[70001,3])])),n)))  # same
out.append(bgp4mp(1,update(b'',A(O,P([(2,[1,T])],2),N,attr(0xc0,7,struct.pack('>H',T)+bytes([1,2,3,4])),as4([(2,[70001])]),attr(0xc0,18,struct.pack('>I',70009)+bytes([5,6,7,8]))),n)))
out.append(bgp4mp(1,update(b'',A(O,P([(2,[1,T])],2),N,attr(0xc0,7,struct.pack('>H',77)+bytes([1,2,3,4])),as4([(2,[70001])]),attr(0xc0,18,struct.pack('>I',70009)+bytes([5,6,7,8]))),n)))
out.append(bgp4mp(1,update(b'',A(O,P([(2,[1,T,9])],2),N,as4([])),n)))
# IPv6
nh=socket.inet_pton(socket.AF_INET6,'2001:db8::1'); ll=socket.inet_pton(socket.AF_INET6,'fe80::1')
n6=pfx('2001:db8:1::/48')+pfx('::/0')+pfx('::1.2.3.4/128')+pfx('::ffff:1.2.3.4/128')+pfx('2001:db8:0:0:1::/80')+pfx('2001:0:0:1::/64')
R=lambda afi,safi,nh,n: attr(0x80,14,struct.pack('>HBB',afi,safi,len(nh))+nh+b'\0'+n)
U=lambda afi,safi,n: attr(0x80,15,struct.pack('>HB',afi,safi)+n)
for peer,local in (('192.0.2.1','192.0.2.2'),('2001:db8::5','2001:db8::6')):
    for sub in ((4,7) if ':' in peer else (4,)):
        out.append(bgp4mp(sub,update(b'',A(O,P(S),R(2,1,nh,n6)),b''),peer,local,pas=70000))
        out.append(bgp4mp(sub,update(b'',A(O,P(S),R(2,1,nh+ll,n6)),b''),peer,local))
        out.append(bgp4mp(sub,update(b'',A(O,P(S),R(2,2,nh,n6),U(2,1,n6)),b''),peer,local))
        out.append(bgp4mp(sub,update(b'',A(O,P(S),R(1,2,bytes([1,2,3,4]),n),U(1,2,n)),b''),peer,local))
        out.append(bgp4mp(sub,update(b'',A(O,P(S),R(1,1,bytes([1,2,3,4]),n),U(1,1,n)),b''),peer,local))
        out.append(bgp4mp(sub,update(pfx('10.0.0.0/8'),A(O,P(S),N,R(2,1,nh,n6),U(2,1,n6)),n),peer,local))
        out.append(bgp4mp(sub,update(b'',U(2,1,b''),b''),peer,local))
        out.append(bgp4mp(sub,update(b'',U(25,70,b'\1\2xx'),b''),peer,local))
        out.append(bgp4mp(sub,update(b'',A(O,P(S),R(1,128,b'\0'*8+bytes([1,2,3,4]),b'')),b''),peer,local))
        out.append(bgp4mp(sub,update(),peer,local))
        out.append(bgp4mp(sub,update(b'',A(O,P(S),N,R(2,1,nh,n6)),b''),peer,local,kind=17,us=123456))
# add-path
ap=lambda i,s: struct.pack('>I',i)+pfx(s)
for sub in (8,9,10,11):
    w=4 if sub in(9,11) else 2
    SS=[(2,[65001,3356])]
    out.append(bgp4mp(sub,update(ap(7,'10.1.0.0/16'),A(O,P(SS,w),N,R(2,1,nh,ap(3,'2001:db8::/32')),U(2,1,ap(4,'2001:db8:2::/48'))),ap(1,'10.0.0.0/8')+ap(2,'10.0.0.0/9'))))
# state changes, other messages
out.append(bgp4mp(0,struct.pack('>HH',5,6))); out.append(bgp4mp(5,struct.pack('>HH',6,1),'2001:db8::5','2001:db8::6'))
out.append(bgp4mp(5,struct.pack('>HH',6,1),kind=17,us=5))
out.append(bgp4mp(4,b'\xff'*16+struct.pack('>HB',19,4)))
out.append(bgp4mp(4,b'\xff'*16+struct.pack('>HBBHHIB',29,1,4,65001,180,0x01020304,0)))
out.append(bgp4mp(4,b'\xff'*16+struct.pack('>HBBB',21,3,6,2)))
# TABLE_DUMP_V2
peers=[(0x01010101,'192.0.2.1',65001),(0x02020202,'2001:db8::5',70000)]
b=struct.pack('>I',0x09090909)+struct.pack('>H',4)+b'view'+struct.pack('>H',len(peers))
for i,a,asn in peers:
    v6=':' in a; b+=bytes([(1 if v6 else 0)|2])+struct.pack('>I',i)+socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET,a)+struct.pack('>I',asn)
out.append(rec(1700000000,13,1,b))
def rib(sub,p,entries,addpath=False):
    b=struct.pack('>I',1)+p+struct.pack('>H',len(entries))
    for peer,attrs in entries:
        b+=struct.pack('>HI',peer,1600000000)+(struct.pack('>I',42+peer) if addpath else b'')+struct.pack('>H',len(attrs))+attrs
    return rec(1700000001,13,sub,b)
s6=lambda nh: attr(0x80,14,bytes([len(nh)])+nh)
full=A(attr(0x40,1,b'\0'),P([(2,[1,2]),(1,[3,4])]),N,attr(0x80,4,b'\0\0\0\5'),attr(0x40,5,b'\0\0\0\x64'),attr(0x40,6,b''),attr(0xc0,7,struct.pack('>I',70000)+bytes([1,2,3,4])),attr(0xc0,8,struct.pack('>I',65001<<16|5)))
out.append(rib(2,pfx('10.0.0.0/8'),[(0,full),(1,A(O,P(S),N))]))
out.append(rib(4,pfx('2001:db8::/32'),[(0,A(O,P(S),s6(nh))),(1,A(O,P(S),s6(nh+ll))),(1,A(O,P(S),R(2,1,nh,pfx('2001:db8::/32'))))]))
out.append(rib(2,pfx('10.0.0.0/8'),[(0,A(O,P(S),R(2,1,nh,b'')))]))
out.append(rib(3,pfx('10.0.0.0/8'),[(0,full)])); out.append(rib(5,pfx('2001:db8::/32'),[(0,A(O,P(S),s6(nh)))]))
out.append(rib(8,pfx('10.0.0.0/8'),[(0,full),(1,full)],True)); out.append(rib(10,pfx('2001:db8::/32'),[(0,A(O,P(S),s6(nh)))],True))
# TABLE_DUMP v1
o2=[]
def td(sub,pf,l,peer,attrs):
    f=socket.AF_INET if sub==1 else socket.AF_INET6
    return rec(1700000002,12,sub,struct.pack('>HH',0,1)+socket.inet_pton(f,pf)+bytes([l,1])+struct.pack('>I',1600000000)+socket.inet_pton(f,peer)+struct.pack('>H',65001)+struct.pack('>H',len(attrs))+attrs)
o2.append(td(1,'10.0.0.0',8,'192.0.2.1',A(O,P([(2,[1,T])],2),N,as4([(2,[70001])]),attr(0xc0,7,struct.pack('>H',77)+bytes([1,2,3,4])))))
o2.append(td(2,'2001:db8::',32,'2001:db8::9',A(O,P([(2,[1,2])],2),s6(nh))))
o2.append(td(2,'2001:db8::',32,'2001:db8::9',A(O,P([(2,[1,2])],2),R(2,1,nh,b''))))
open(sys.argv[1],'wb').write(b''.join(out+o2))
